-- What was quoted, bought and owed. Money is in millionths of the currency's unit.

-- A price that holds for a while, and the identifier of the order that may be placed on it, once.
CREATE TABLE quote (
    customer_id          TEXT   NOT NULL REFERENCES customer (customer_id),
    reservation_order_id TEXT   NOT NULL UNIQUE, -- minted with the quote; unique across customers
    partner_id           TEXT   NOT NULL REFERENCES partner (partner_id),
    subscription_id      TEXT   NOT NULL,
    asked_by             TEXT   NOT NULL,
    sku                  TEXT   NOT NULL,
    region               TEXT   NOT NULL,
    resource_type        TEXT   NOT NULL,
    term                 TEXT   NOT NULL CHECK (term IN ('P1Y', 'P3Y', 'P5Y')),
    billing_plan         TEXT   NOT NULL CHECK (billing_plan IN ('Upfront', 'Monthly')),
    quantity             BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    currency             TEXT   NOT NULL,
    list_unit_e6         BIGINT NOT NULL,
    partner_unit_e6      BIGINT NOT NULL,
    customer_unit_e6     BIGINT NOT NULL,
    price_rule_id        TEXT,
    quoted_at            BIGINT NOT NULL,
    lapses_at            BIGINT NOT NULL,
    PRIMARY KEY (customer_id, reservation_order_id)
);

-- A commercial order: what the partner is billed for.
CREATE TABLE commerce_order (
    customer_id      TEXT   NOT NULL REFERENCES customer (customer_id),
    order_id         TEXT   NOT NULL UNIQUE,
    partner_id       TEXT   NOT NULL REFERENCES partner (partner_id),
    placed_at        BIGINT NOT NULL,
    billing_cycle    TEXT   NOT NULL CHECK (billing_cycle IN ('one_time', 'monthly')),
    currency         TEXT   NOT NULL,
    status           TEXT   NOT NULL CHECK (status IN ('completed', 'cancelled')),
    bought_by        TEXT   NOT NULL CHECK (bought_by IN ('customer', 'partner')),
    buyer_id         TEXT   NOT NULL,
    buyer_name       TEXT   NOT NULL,
    PRIMARY KEY (customer_id, order_id)
);
CREATE INDEX commerce_order_by_time ON commerce_order (customer_id, partner_id, placed_at);

CREATE TABLE order_line (
    customer_id          TEXT   NOT NULL,
    order_id             TEXT   NOT NULL,
    line_number          BIGINT NOT NULL,
    kind                 TEXT   NOT NULL CHECK (kind IN ('reservation', 'azure-plan', 'azure-global')),
    catalog_item_id      TEXT   NOT NULL, -- product:sku:availability
    name                 TEXT   NOT NULL,
    quantity             BIGINT NOT NULL,
    term                 TEXT,
    list_unit_e6         BIGINT NOT NULL,
    partner_unit_e6      BIGINT NOT NULL,
    customer_unit_e6     BIGINT NOT NULL,
    subscription_id      TEXT, -- the Azure subscription it was bought on
    entitlement_id       TEXT, -- what it created, for Azure plans
    reservation_order_id TEXT, -- what it created, for reservations
    PRIMARY KEY (customer_id, order_id, line_number),
    FOREIGN KEY (customer_id, order_id) REFERENCES commerce_order (customer_id, order_id)
);

CREATE TABLE reservation_order (
    customer_id          TEXT   NOT NULL REFERENCES customer (customer_id),
    reservation_order_id TEXT   NOT NULL UNIQUE,
    partner_id           TEXT   NOT NULL REFERENCES partner (partner_id),
    order_id             TEXT   NOT NULL,
    line_number          BIGINT NOT NULL,
    subscription_id      TEXT   NOT NULL, -- the billing subscription
    display_name         TEXT   NOT NULL,
    sku                  TEXT   NOT NULL,
    region               TEXT   NOT NULL,
    resource_type        TEXT   NOT NULL,
    term                 TEXT   NOT NULL CHECK (term IN ('P1Y', 'P3Y', 'P5Y')),
    billing_plan         TEXT   NOT NULL CHECK (billing_plan IN ('Upfront', 'Monthly')),
    original_quantity    BIGINT NOT NULL CHECK (original_quantity BETWEEN 1 AND 1000),
    currency             TEXT   NOT NULL,
    list_unit_e6         BIGINT NOT NULL,
    partner_unit_e6      BIGINT NOT NULL,
    customer_unit_e6     BIGINT NOT NULL,
    requested_at         BIGINT NOT NULL,
    starts_at            BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL,
    state                TEXT   NOT NULL CHECK (state IN ('succeeded', 'cancelled', 'expired')),
    etag                 BIGINT NOT NULL,
    bought_by            TEXT   NOT NULL CHECK (bought_by IN ('customer', 'partner')),
    buyer_id             TEXT   NOT NULL,
    buyer_name           TEXT   NOT NULL,
    PRIMARY KEY (customer_id, reservation_order_id),
    FOREIGN KEY (customer_id, order_id, line_number) REFERENCES order_line (customer_id, order_id, line_number)
);

CREATE INDEX reservation_order_by_partner ON reservation_order (partner_id, customer_id);

CREATE TABLE reservation (
    customer_id          TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL UNIQUE,
    display_name         TEXT   NOT NULL,
    quantity             BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    scope_type           TEXT   NOT NULL CHECK (scope_type IN ('Shared', 'Single')),
    applied_scope        TEXT, -- a subscription or a resource group; none for Shared
    instance_flexibility TEXT   NOT NULL CHECK (instance_flexibility IN ('On', 'Off')),
    renew                BIGINT NOT NULL CHECK (renew IN (0, 1)),
    archived             BIGINT NOT NULL CHECK (archived IN (0, 1)),
    state                TEXT   NOT NULL CHECK (state IN ('succeeded', 'cancelled', 'expired')),
    etag                 BIGINT NOT NULL,
    review_at            BIGINT,
    updated_at           BIGINT NOT NULL,
    PRIMARY KEY (customer_id, reservation_order_id, reservation_id),
    FOREIGN KEY (customer_id, reservation_order_id) REFERENCES reservation_order (customer_id, reservation_order_id),
    CHECK ((scope_type = 'Shared') = (applied_scope IS NULL))
);

-- The instalments of a monthly plan; the first is due on the day of the purchase.
CREATE TABLE instalment (
    customer_id          TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    number               BIGINT NOT NULL CHECK (number >= 1),
    due_on               TEXT   NOT NULL, -- 2026-11-30
    partner_e6           BIGINT NOT NULL, -- what the partner owes
    customer_e6          BIGINT NOT NULL, -- what the customer owes the partner
    posted_event         TEXT,            -- the ledger event, once it is posted
    PRIMARY KEY (customer_id, reservation_order_id, number),
    FOREIGN KEY (customer_id, reservation_order_id) REFERENCES reservation_order (customer_id, reservation_order_id)
);

-- Double entry, append only: the entries of one event and currency sum to zero.
CREATE TABLE ledger_entry (
    customer_id TEXT   NOT NULL REFERENCES customer (customer_id),
    event_id    TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    partner_id  TEXT   NOT NULL REFERENCES partner (partner_id),
    at          BIGINT NOT NULL,
    account     TEXT   NOT NULL CHECK (account IN
        ('partner-cost', 'supplier-payable', 'customer-receivable', 'partner-revenue')),
    currency    TEXT   NOT NULL,
    amount_e6   BIGINT NOT NULL,
    subject     TEXT   NOT NULL, -- the reservation order
    PRIMARY KEY (customer_id, event_id, number)
);

-- What the outside is to be told, written with the change itself.
CREATE TABLE outgoing_event (
    customer_id  TEXT   NOT NULL REFERENCES customer (customer_id),
    event_id     TEXT   NOT NULL,
    partner_id   TEXT   NOT NULL REFERENCES partner (partner_id),
    kind         TEXT   NOT NULL,
    at           BIGINT NOT NULL,
    subject      TEXT   NOT NULL,
    delivered_at BIGINT,
    PRIMARY KEY (customer_id, event_id)
);
CREATE INDEX outgoing_event_waiting ON outgoing_event (at) WHERE delivered_at IS NULL;
