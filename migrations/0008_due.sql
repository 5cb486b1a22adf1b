-- What falls due, and who of several servers does it.

-- What an event of the ledger is about. All that was posted before was the first instalment or the price of a purchase.
ALTER TABLE ledger_entry ADD COLUMN kind TEXT NOT NULL DEFAULT 'purchase' CHECK (kind IN
    ('purchase', 'instalment', 'refund', 'fee', 'exchange-return', 'exchange-purchase', 'renewal'));
CREATE INDEX ledger_entry_by_time ON ledger_entry (partner_id, at);

-- Due work is found by these.
CREATE INDEX instalment_waiting ON instalment (due_on) WHERE posted_event IS NULL;
CREATE INDEX reservation_order_running ON reservation_order (expires_at) WHERE state = 'succeeded';

-- One server at a time does a kind of work, for as long as its lease runs by the real clock.
CREATE TABLE lease (
    name       TEXT   NOT NULL PRIMARY KEY,
    holder     TEXT   NOT NULL,
    held_until BIGINT NOT NULL
);

-- Where a movable clock stands, so that it is not set back by a restart. One row, or none.
CREATE TABLE moved_clock (
    name TEXT   NOT NULL PRIMARY KEY CHECK (name = 'clock'),
    at   BIGINT NOT NULL
);
