-- Who is signed in to the pages. Only the SHA-256 of a session's token is stored, so that a copy of the database signs
-- nobody in. Expired rows are swept.

CREATE TABLE web_session (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    principal_id TEXT   NOT NULL REFERENCES principal (principal_id),
    started_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL, -- noted every few minutes, not at every request
    expires_at   BIGINT NOT NULL  -- however busy it is
);
CREATE INDEX web_session_by_expiry ON web_session (expires_at);
CREATE INDEX web_session_by_principal ON web_session (principal_id);
