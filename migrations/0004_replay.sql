-- Answers to writes that named themselves by MS-RequestId, so that a repeat gets the same answer, from any server.
-- An answer is sealed with a key that only the repeated request gives, as it may hold a first password.

CREATE TABLE replay (
    tenant_id     TEXT   NOT NULL,
    request_key   TEXT   NOT NULL, -- SHA-256 of who asked what
    claim_id      TEXT   NOT NULL, -- who works on it, or did
    claimed_until BIGINT NOT NULL, -- after this, a claim without an answer counts no longer
    answer        TEXT,            -- base64; none while the request runs
    kept_until    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, request_key)
);
CREATE INDEX replay_by_age ON replay (tenant_id, kept_until);
