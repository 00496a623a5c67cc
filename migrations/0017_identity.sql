-- Who Cloudflare Access names signs in to the console as the token that has the address.
ALTER TABLE tokens ADD COLUMN email TEXT;
CREATE UNIQUE INDEX tokens_by_email ON tokens (email) WHERE email IS NOT NULL;
