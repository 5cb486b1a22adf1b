-- Who there is: directories, their users and applications, and which partner serves which customer.
-- Instants are microseconds since 1970, UTC. Identifiers are lower-case GUIDs with dashes.

CREATE TABLE tenant (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('partner', 'customer')),
    name      TEXT NOT NULL,
    domain    TEXT NOT NULL UNIQUE -- lower case
);

CREATE TABLE partner (
    partner_id    TEXT   NOT NULL PRIMARY KEY REFERENCES tenant (tenant_id),
    country       TEXT   NOT NULL,
    currency      TEXT   NOT NULL,
    support_email TEXT,
    support_phone TEXT,
    support_url   TEXT,
    revision      BIGINT NOT NULL DEFAULT 0 -- the number of activity records of the partner itself
);

CREATE TABLE customer (
    customer_id         TEXT   NOT NULL PRIMARY KEY REFERENCES tenant (tenant_id),
    country             TEXT   NOT NULL,
    language            TEXT   NOT NULL,
    created_at          BIGINT NOT NULL,
    commerce_id         TEXT   NOT NULL,
    -- Bill-to information, as the partner entered it; empty where nothing was entered.
    first_name          TEXT   NOT NULL DEFAULT '',
    last_name           TEXT   NOT NULL DEFAULT '',
    email               TEXT   NOT NULL DEFAULT '',
    phone               TEXT   NOT NULL DEFAULT '',
    address_1           TEXT   NOT NULL DEFAULT '',
    address_2           TEXT   NOT NULL DEFAULT '',
    city                TEXT   NOT NULL DEFAULT '',
    region              TEXT   NOT NULL DEFAULT '',
    postal_code         TEXT   NOT NULL DEFAULT '',
    registration_number TEXT,
    profile_etag        BIGINT NOT NULL DEFAULT 1,
    revision            BIGINT NOT NULL DEFAULT 0 -- the number of activity records of the customer
);

CREATE TABLE relationship (
    customer_id            TEXT   NOT NULL REFERENCES customer (customer_id),
    partner_id             TEXT   NOT NULL REFERENCES partner (partner_id),
    since                  BIGINT NOT NULL,
    agreement_confirmed_at BIGINT,          -- when the customer's agreement was confirmed to this partner
    name_key               TEXT   NOT NULL, -- the customer's name in lower case, so that a partner's list needs one index
    domain                 TEXT   NOT NULL, -- the customer's, likewise
    PRIMARY KEY (customer_id, partner_id)
);
CREATE INDEX relationship_by_name ON relationship (partner_id, name_key, customer_id);
CREATE INDEX relationship_by_domain ON relationship (partner_id, domain, customer_id);

CREATE TABLE principal (
    principal_id TEXT   NOT NULL PRIMARY KEY,
    tenant_id    TEXT   NOT NULL REFERENCES tenant (tenant_id),
    kind         TEXT   NOT NULL CHECK (kind IN ('user', 'application')),
    upn          TEXT   UNIQUE, -- lower case; users only
    name         TEXT   NOT NULL,
    client_id    TEXT   UNIQUE, -- applications only
    secret_hash  TEXT,          -- argon2id, PHC string
    created_at   BIGINT NOT NULL,
    disabled_at  BIGINT
);
CREATE INDEX principal_by_tenant ON principal (tenant_id, principal_id);

CREATE TABLE partner_role (
    principal_id TEXT NOT NULL REFERENCES principal (principal_id),
    role         TEXT NOT NULL CHECK (role IN
        ('GlobalAdmin', 'AdminAgent', 'SalesAgent', 'HelpdeskAgent', 'BillingAdmin', 'UserAdmin')),
    PRIMARY KEY (principal_id, role)
);

-- What the partner bought for the customer: the commercial subscription.
CREATE TABLE entitlement (
    customer_id    TEXT   NOT NULL REFERENCES customer (customer_id),
    entitlement_id TEXT   NOT NULL UNIQUE,
    partner_id     TEXT   NOT NULL REFERENCES partner (partner_id),
    offer          TEXT   NOT NULL CHECK (offer IN ('azure-plan', 'azure-global')),
    name           TEXT   NOT NULL,
    status         TEXT   NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    registered     BIGINT NOT NULL CHECK (registered IN (0, 1)), -- for reservation purchases by the partner
    auto_renew     BIGINT NOT NULL DEFAULT 1 CHECK (auto_renew IN (0, 1)),
    order_id       TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (customer_id, entitlement_id)
);

-- The Azure subscriptions under it.
CREATE TABLE subscription (
    customer_id     TEXT   NOT NULL,
    subscription_id TEXT   NOT NULL UNIQUE,
    entitlement_id  TEXT   NOT NULL,
    partner_id      TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    status          TEXT   NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (customer_id, subscription_id),
    FOREIGN KEY (customer_id, entitlement_id) REFERENCES entitlement (customer_id, entitlement_id)
);

-- Custom roles; the built-in ones are part of the program.
CREATE TABLE role_definition (
    customer_id        TEXT   NOT NULL REFERENCES customer (customer_id),
    role_definition_id TEXT   NOT NULL,
    name               TEXT   NOT NULL,
    name_key           TEXT   NOT NULL, -- lower case
    description        TEXT   NOT NULL,
    assignable_scopes  TEXT   NOT NULL, -- one a line
    permissions        TEXT   NOT NULL, -- JSON: [{"actions": [], "notActions": []}]
    created_at         BIGINT NOT NULL,
    created_by         TEXT   NOT NULL,
    updated_at         BIGINT NOT NULL,
    updated_by         TEXT   NOT NULL,
    PRIMARY KEY (customer_id, role_definition_id),
    UNIQUE (customer_id, name_key)
);

CREATE TABLE role_assignment (
    customer_id        TEXT   NOT NULL REFERENCES customer (customer_id),
    role_assignment_id TEXT   NOT NULL,
    principal_id       TEXT   NOT NULL,
    principal_type     TEXT   NOT NULL CHECK (principal_type IN ('User', 'Group', 'ServicePrincipal', 'ForeignGroup')),
    role_definition_id TEXT   NOT NULL,
    scope              TEXT   NOT NULL, -- as it is shown
    scope_key          TEXT   NOT NULL, -- lower case, for comparison
    description        TEXT,
    created_at         BIGINT NOT NULL,
    created_by         TEXT   NOT NULL,
    PRIMARY KEY (customer_id, role_assignment_id),
    UNIQUE (customer_id, principal_id, role_definition_id, scope_key)
);
CREATE INDEX role_assignment_by_principal ON role_assignment (principal_id, customer_id);

-- The revocable permission: present means on.
CREATE TABLE self_serve_policy (
    customer_id   TEXT   NOT NULL REFERENCES customer (customer_id),
    partner_id    TEXT   NOT NULL REFERENCES partner (partner_id),
    reservations  BIGINT NOT NULL CHECK (reservations IN (0, 1)),
    savings_plans BIGINT NOT NULL CHECK (savings_plans IN (0, 1)),
    etag          TEXT   NOT NULL,
    granted_at    BIGINT NOT NULL,
    granted_by    TEXT   NOT NULL,
    PRIMARY KEY (customer_id, partner_id),
    CHECK (reservations + savings_plans > 0)
);

-- The activity log. `root_id` is the customer concerned, or the partner where no customer is; `sequence` runs without
-- gaps per root and equals the root's revision at that write.
CREATE TABLE activity_record (
    root_id        TEXT   NOT NULL,
    sequence       BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    partner_id     TEXT,
    customer_id    TEXT,
    operation      TEXT   NOT NULL,
    outcome        TEXT   NOT NULL CHECK (outcome IN ('succeeded', 'failed')),
    actor_id       TEXT   NOT NULL,
    actor_name     TEXT   NOT NULL,
    application_id TEXT,
    correlation_id TEXT   NOT NULL,
    subject        TEXT   NOT NULL,
    old_value      TEXT,
    new_value      TEXT,
    details        TEXT   NOT NULL, -- JSON: [["key", "value"], ...]
    message        TEXT,
    PRIMARY KEY (root_id, sequence)
);
CREATE INDEX activity_record_by_partner ON activity_record (partner_id, at, root_id, sequence);
CREATE INDEX activity_record_by_customer ON activity_record (customer_id, at, sequence);
