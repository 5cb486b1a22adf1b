-- What is given back: quotes that hold for a while, returns that were made, and the figures they go by.

CREATE TABLE refund_quote (
    customer_id          TEXT   NOT NULL REFERENCES customer (customer_id),
    session_id           TEXT   NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL,
    order_etag           BIGINT NOT NULL,
    quoted_at            BIGINT NOT NULL,
    lapses_at            BIGINT NOT NULL,
    used_at              BIGINT,
    terms                TEXT   NOT NULL, -- JSON
    counted              TEXT   NOT NULL, -- JSON
    PRIMARY KEY (customer_id, session_id)
);

CREATE TABLE exchange_quote (
    customer_id    TEXT   NOT NULL REFERENCES customer (customer_id),
    session_id     TEXT   NOT NULL UNIQUE, -- names the exchange
    calculation_id TEXT   NOT NULL UNIQUE, -- names the question for it
    first_order_id TEXT   NOT NULL,        -- what is given back first
    asked_by       TEXT   NOT NULL,
    quoted_at      BIGINT NOT NULL,
    lapses_at      BIGINT NOT NULL,
    used_at        BIGINT,
    returns        TEXT   NOT NULL, -- JSON
    purchases      TEXT   NOT NULL, -- JSON
    problem_code   TEXT,
    problem        TEXT,
    PRIMARY KEY (customer_id, session_id)
);

-- What was given back. `running` is the instalment that ran then, and the shares what was charged in it for this.
CREATE TABLE reservation_return (
    customer_id          TEXT   NOT NULL REFERENCES customer (customer_id),
    return_id            TEXT   NOT NULL,
    session_id           TEXT   NOT NULL,
    partner_id           TEXT   NOT NULL REFERENCES partner (partner_id),
    kind                 TEXT   NOT NULL CHECK (kind IN ('refund', 'exchange')),
    at                   BIGINT NOT NULL,
    reservation_order_id TEXT   NOT NULL,
    reservation_id       TEXT   NOT NULL,
    quantity             BIGINT NOT NULL,
    running              BIGINT NOT NULL,
    currency             TEXT   NOT NULL,
    customer_share_e6    BIGINT NOT NULL,
    partner_share_e6     BIGINT NOT NULL,
    customer_refund_e6   BIGINT NOT NULL,
    partner_refund_e6    BIGINT NOT NULL,
    counted_e6           BIGINT NOT NULL, -- against the limit of returns
    counted_currency     TEXT   NOT NULL,
    returned_by          TEXT   NOT NULL,
    reason               TEXT,
    PRIMARY KEY (customer_id, return_id),
    FOREIGN KEY (customer_id, reservation_order_id) REFERENCES reservation_order (customer_id, reservation_order_id)
);
CREATE INDEX reservation_return_by_order ON reservation_return (customer_id, reservation_order_id);

-- A partner's own figures; the built-in ones are part of the program.
CREATE TABLE refund_policy (
    partner_id       TEXT   NOT NULL REFERENCES partner (partner_id),
    valid_from       TEXT   NOT NULL, -- 2026-11-30
    full_refund_days BIGINT NOT NULL,
    fee_percent      TEXT   NOT NULL,
    limit_e6         BIGINT NOT NULL, -- USD
    window_months    BIGINT NOT NULL,
    PRIMARY KEY (partner_id, valid_from)
);

CREATE TABLE conversion_rate (
    partner_id TEXT NOT NULL REFERENCES partner (partner_id),
    currency   TEXT NOT NULL,
    valid_from TEXT NOT NULL, -- 2026-11-30
    rate       TEXT NOT NULL, -- so many for 1 USD
    PRIMARY KEY (partner_id, currency, valid_from)
);
