-- Hourly usage by customer and by the partner whose subscriptions ran it, and what reservations covered of it. Hours and days
-- are counted from 1970. Numbers that are only read together are packed into a text: see `store/src/packed.rs`.

-- Whose usage is kept, and which changes of the customer's reservations its figures take account of.
CREATE TABLE usage_account (
    customer_id   TEXT   NOT NULL REFERENCES customer (customer_id),
    partner_id    TEXT   NOT NULL REFERENCES partner (partner_id),
    seen_revision BIGINT NOT NULL, -- the customer's, up to which changes have been looked at
    seen_with     TEXT   NOT NULL, -- names all that its reservations were then
    PRIMARY KEY (customer_id, partner_id)
);

-- What lines have in common, by a small number.
CREATE TABLE usage_resource (
    customer_id     TEXT   NOT NULL,
    partner_id      TEXT   NOT NULL,
    number          BIGINT NOT NULL,
    subscription_id TEXT   NOT NULL,
    resource_id     TEXT   NOT NULL,
    region          TEXT   NOT NULL,
    sku             TEXT   NOT NULL,
    unit_price_e6   BIGINT NOT NULL,
    currency        TEXT   NOT NULL,
    PRIMARY KEY (customer_id, partner_id, number),
    UNIQUE (customer_id, partner_id, resource_id, subscription_id, region, sku, unit_price_e6, currency),
    FOREIGN KEY (customer_id, partner_id) REFERENCES usage_account (customer_id, partner_id)
);

-- All lines of an hour: numbers of resources and of lines as steps from one to the next, and quantities in 10^-6.
CREATE TABLE usage_hour (
    customer_id TEXT   NOT NULL,
    partner_id  TEXT   NOT NULL,
    hour        BIGINT NOT NULL,
    lines       TEXT   NOT NULL,
    PRIMARY KEY (customer_id, partner_id, hour),
    FOREIGN KEY (customer_id, partner_id) REFERENCES usage_account (customer_id, partner_id)
);

CREATE TABLE usage_day (
    customer_id TEXT   NOT NULL,
    partner_id  TEXT   NOT NULL,
    day         BIGINT NOT NULL,
    version     BIGINT NOT NULL, -- grows with every import
    known_hours BIGINT NOT NULL, -- a bit for each hour of which usage is known, the lowest for the first
    stale_since BIGINT,          -- since when its figures wait to be made anew
    rated_with  TEXT,            -- names all that reservations were on this day when they were made
    shares      TEXT,            -- JSON: what ran, by place and reservation
    PRIMARY KEY (customer_id, partner_id, day),
    FOREIGN KEY (customer_id, partner_id) REFERENCES usage_account (customer_id, partner_id)
);
CREATE INDEX usage_day_stale ON usage_day (stale_since) WHERE stale_since IS NOT NULL;

-- What a reservation did in the hours of a day.
CREATE TABLE rated_reservation (
    customer_id          TEXT   NOT NULL,
    partner_id           TEXT   NOT NULL,
    day                  BIGINT NOT NULL,
    reservation_id       TEXT   NOT NULL,
    charged_to           TEXT   NOT NULL, -- the subscription that its unused hours are charged to
    reservation_order_id TEXT   NOT NULL,
    currency             TEXT   NOT NULL,
    list_hourly_e8       BIGINT NOT NULL,
    hours                TEXT   NOT NULL, -- hours of the day, instances, used, cost of used and unused, pay as you go
    PRIMARY KEY (customer_id, partner_id, day, reservation_id, charged_to)
);
CREATE INDEX rated_reservation_days ON rated_reservation (customer_id, reservation_id, day);

-- First uses that are not noted with their reservation yet.
CREATE TABLE first_use (
    customer_id          TEXT   NOT NULL REFERENCES customer (customer_id),
    partner_id           TEXT   NOT NULL REFERENCES partner (partner_id),
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL,
    used_at              BIGINT NOT NULL,
    found_at             BIGINT NOT NULL,
    PRIMARY KEY (customer_id, reservation_id)
);
