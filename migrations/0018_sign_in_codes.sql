-- Codes that open one session of the console, once, in place of a token that would have to be pasted.
CREATE TABLE sign_in_codes (
  id         TEXT PRIMARY KEY NOT NULL,
  hash       TEXT NOT NULL,             -- SHA-256 of the code's secret part, hex
  token_id   TEXT NOT NULL,             -- the token that made it; 'admin': ADMIN_TOKEN, which has no row
  admin_mark TEXT,                      -- of ADMIN_TOKEN: as in sessions
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_codes_by_token ON sign_in_codes (token_id, id);
CREATE INDEX sign_in_codes_by_end ON sign_in_codes (expires_at);
