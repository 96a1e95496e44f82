-- +goose Up
CREATE TABLE actions (
    id                text PRIMARY KEY,
    agent_id          text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    node_id           text NOT NULL,
    name              text NOT NULL,
    description       text NOT NULL,
    type              text NOT NULL,
    inputs            jsonb NOT NULL,
    integration       text,
    url               text,
    method            text NOT NULL,
    authorization_url text,
    scheme            text NOT NULL,
    sealed_headers    bytea, -- under the master key; there is no column for clear ones
    speak_on_send     text,
    speak_on_receive  text,
    mode              text NOT NULL,
    status            text NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    UNIQUE (agent_id, node_id)
);
CREATE INDEX actions_agent ON actions (agent_id, created_at, id);

-- +goose Down
DROP TABLE actions;
