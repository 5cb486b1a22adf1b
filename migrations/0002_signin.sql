-- Signing in: public keys of every server on this database, and what is handed out during a sign-in. Codes and tokens
-- are stored as SHA-256 hashes, so that a copy of the database signs nobody in. Expired rows are swept.

CREATE TABLE signing_key (
    kid        TEXT   NOT NULL PRIMARY KEY,
    jwk        TEXT   NOT NULL, -- the public half, JSON Web Key
    created_at BIGINT NOT NULL,
    retired_at BIGINT           -- signs no longer; its tokens are taken for a day more
);

-- All refresh tokens that descend from one sign-in. Using a spent one revokes the family.
CREATE TABLE token_family (
    family_id    TEXT   NOT NULL PRIMARY KEY,
    principal_id TEXT   NOT NULL REFERENCES principal (principal_id),
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT
);
CREATE INDEX token_family_by_expiry ON token_family (expires_at);

CREATE TABLE authorization_code (
    code_hash    TEXT   NOT NULL PRIMARY KEY,
    family_id    TEXT   NOT NULL REFERENCES token_family (family_id),
    principal_id TEXT   NOT NULL REFERENCES principal (principal_id),
    tenant_id    TEXT   NOT NULL REFERENCES tenant (tenant_id), -- signed in to
    client_id    TEXT   NOT NULL,
    redirect_uri TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    resource     TEXT,
    nonce        TEXT,
    challenge    TEXT,          -- PKCE, S256
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);
CREATE INDEX authorization_code_by_expiry ON authorization_code (expires_at);
CREATE INDEX authorization_code_by_family ON authorization_code (family_id);

CREATE TABLE refresh_token (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    family_id    TEXT   NOT NULL REFERENCES token_family (family_id),
    principal_id TEXT   NOT NULL REFERENCES principal (principal_id),
    tenant_id    TEXT   NOT NULL REFERENCES tenant (tenant_id),
    client_id    TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    resource     TEXT,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);
CREATE INDEX refresh_token_by_family ON refresh_token (family_id);

CREATE TABLE device_code (
    device_hash    TEXT   NOT NULL PRIMARY KEY,
    user_code_hash TEXT   NOT NULL UNIQUE,
    client_id      TEXT   NOT NULL,
    asked_tenant   TEXT   REFERENCES tenant (tenant_id), -- none: whichever the user belongs to
    scope          TEXT   NOT NULL,
    resource       TEXT,
    state          TEXT   NOT NULL CHECK (state IN ('pending', 'approved', 'declined', 'used')),
    principal_id   TEXT   REFERENCES principal (principal_id),
    tenant_id      TEXT   REFERENCES tenant (tenant_id),
    polled_at      BIGINT,
    expires_at     BIGINT NOT NULL
);
CREATE INDEX device_code_by_expiry ON device_code (expires_at);
