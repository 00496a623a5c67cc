-- Whom Cloudflare Access named, of a session that it opened: the session is good for requests in which Access names the same.
ALTER TABLE sessions ADD COLUMN email TEXT;
