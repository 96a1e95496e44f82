-- +goose Up
CREATE TABLE callback_roles (
    agent_id text PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    triggers jsonb NOT NULL
);

CREATE TABLE callback_sources (
    agent_id  text NOT NULL REFERENCES callback_roles (agent_id) ON DELETE CASCADE,
    source_id text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    position  bigint NOT NULL,
    PRIMARY KEY (agent_id, source_id)
);
CREATE INDEX callback_sources_source ON callback_sources (source_id);

-- Whether a machine answered a call. Of a call on a callback agent's number, the call that it returns and its agent; ids without a foreign
-- key, since what they name may be erased before.
ALTER TABLE calls ADD COLUMN voicemail boolean NOT NULL DEFAULT false;
ALTER TABLE calls ADD COLUMN callback_source text;
ALTER TABLE calls ADD COLUMN callback_call text;
CREATE INDEX calls_callbacks ON calls (environment_id, created_at) WHERE callback_source IS NOT NULL;

-- Who was called: an incoming call asks while it rings.
CREATE INDEX calls_called ON calls (environment_id, to_number, created_at, id) WHERE direction = 'outbound';

-- +goose Down
DROP INDEX calls_called;
DROP INDEX calls_callbacks;
ALTER TABLE calls DROP COLUMN callback_call;
ALTER TABLE calls DROP COLUMN callback_source;
ALTER TABLE calls DROP COLUMN voicemail;
DROP TABLE callback_sources;
DROP TABLE callback_roles;
