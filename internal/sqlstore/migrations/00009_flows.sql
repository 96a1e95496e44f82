-- +goose Up
-- What leads the agent's conversations: that of its current flow version.
ALTER TABLE agents ADD COLUMN mode text NOT NULL DEFAULT 'llm_driven';

CREATE TABLE flow_versions (
    id         text PRIMARY KEY,
    agent_id   text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    number     integer NOT NULL, -- rises with every save
    version    text NOT NULL,
    mode       text NOT NULL,
    config     text, -- of a graph; kept to the letter
    is_current boolean NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (agent_id, number)
);
CREATE UNIQUE INDEX flow_versions_current ON flow_versions (agent_id) WHERE is_current;

-- +goose Down
DROP TABLE flow_versions;
ALTER TABLE agents DROP COLUMN mode;
