-- +goose Up
CREATE TABLE webhooks (
    id             text PRIMARY KEY,
    agent_id       text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    name           text NOT NULL,
    url            text NOT NULL,
    events         jsonb NOT NULL,
    timeout_ms     bigint NOT NULL,
    max_retries    bigint NOT NULL,
    enabled        boolean NOT NULL,
    failing        boolean NOT NULL,
    method         text NOT NULL,
    scheme         text NOT NULL,
    sealed_secret  bytea, -- under the master key, like the headers; there are no columns for clear ones
    sealed_headers bytea,
    templates      text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX webhooks_agent ON webhooks (agent_id, created_at, id);

-- A lane is what one webhook hears of one call, in order. Lanes, deliveries and logs refer to webhooks and agents without foreign keys:
-- there may be very many, which are deleted in batches. Who writes one holds its webhook's row.
CREATE TABLE delivery_lanes (
    id         text PRIMARY KEY,
    call_id    text NOT NULL,
    webhook_id text NOT NULL,
    agent_id   text NOT NULL,
    ticket     text NOT NULL UNIQUE, -- of the one job that may work on it
    sequence   bigint NOT NULL,  -- of the last event
    busy       boolean NOT NULL, -- a job works on it, or is enqueued
    was_busy   boolean NOT NULL, -- before the last event
    updated_at timestamptz NOT NULL,
    UNIQUE (call_id, webhook_id)
);
CREATE INDEX delivery_lanes_webhook ON delivery_lanes (webhook_id);
CREATE INDEX delivery_lanes_updated ON delivery_lanes (updated_at);

CREATE TABLE deliveries (
    id         text PRIMARY KEY,
    lane_id    text NOT NULL,
    webhook_id text NOT NULL,
    agent_id   text NOT NULL,
    call_id    text NOT NULL,
    sequence   bigint NOT NULL,
    event      text NOT NULL,
    body       text NOT NULL,
    status     text NOT NULL,
    attempts   bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX deliveries_pending ON deliveries (lane_id, sequence) WHERE status = 'pending';
CREATE INDEX deliveries_open ON deliveries (webhook_id) WHERE status IN ('pending', 'retrying');
CREATE INDEX deliveries_webhook ON deliveries (webhook_id);
CREATE INDEX deliveries_call ON deliveries (call_id);
CREATE INDEX deliveries_created ON deliveries (created_at);

CREATE TABLE delivery_logs (
    id               text PRIMARY KEY,
    delivery_id      text NOT NULL,
    webhook_id       text NOT NULL,
    agent_id         text NOT NULL,
    call_id          text NOT NULL,
    event            text NOT NULL,
    attempt          bigint NOT NULL,
    status           text NOT NULL,
    http_status      bigint NOT NULL,
    response         text NOT NULL,
    response_headers jsonb NOT NULL,
    error            text NOT NULL,
    took_ms          bigint NOT NULL,
    delivered_at     timestamptz,
    created_at       timestamptz NOT NULL
);
CREATE INDEX delivery_logs_webhook ON delivery_logs (webhook_id, created_at, id);
CREATE INDEX delivery_logs_delivery ON delivery_logs (delivery_id, attempt);
CREATE INDEX delivery_logs_call ON delivery_logs (call_id);
CREATE INDEX delivery_logs_created ON delivery_logs (created_at);

-- +goose Down
DROP TABLE delivery_logs;
DROP TABLE deliveries;
DROP TABLE delivery_lanes;
DROP TABLE webhooks;
