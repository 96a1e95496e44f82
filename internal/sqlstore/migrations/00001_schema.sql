-- One schema for both engines: SQLite takes PostgreSQL's type names and keeps each value as it is given. Ids are text on both, so
-- that a malformed one is simply not found. Documents that nobody searches by are jsonb; what must be echoed to the letter is text.

-- +goose Up
CREATE TABLE users (
    id         text PRIMARY KEY,
    email      text UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE environments (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    owner_id   text NOT NULL,
    limits     jsonb NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE tokens (
    id             text PRIMARY KEY,
    environment_id text NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    hash           text NOT NULL UNIQUE,
    abilities      jsonb NOT NULL,
    created_at     timestamptz NOT NULL
);
CREATE INDEX tokens_environment ON tokens (environment_id);

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE agents (
    id             text PRIMARY KEY,
    environment_id text NOT NULL,
    name           text NOT NULL,
    label          text NOT NULL,
    folded         text NOT NULL, -- name and label in lower case, for the search
    direction      text NOT NULL,
    status         text NOT NULL,
    settings       jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX agents_environment ON agents (environment_id, created_at, id);

CREATE TABLE trainings (
    id           text PRIMARY KEY,
    agent_id     text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    node_id      text,
    subject      text NOT NULL,
    instructions text NOT NULL,
    status       text NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX trainings_agent ON trainings (agent_id, created_at, id);

CREATE TABLE sip_trunks (
    id             text PRIMARY KEY,
    environment_id text NOT NULL,
    name           text NOT NULL,
    provider_name  text NOT NULL,
    domain         text NOT NULL,
    username       text NOT NULL,
    sealed         bytea, -- the password under the master key; there is no column for a clear one
    transport      text NOT NULL,
    port           bigint NOT NULL,
    outbound_proxy text,
    auth_realm     text,
    active         boolean NOT NULL,
    verified       boolean NOT NULL,
    health         text NOT NULL,
    checked_at     timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX sip_trunks_environment ON sip_trunks (environment_id, created_at, id);

CREATE TABLE phone_numbers (
    id             text PRIMARY KEY,
    environment_id text NOT NULL,
    trunk_id       text NOT NULL REFERENCES sip_trunks (id),
    number         text NOT NULL,
    country_code   text NOT NULL,
    status         text NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    UNIQUE (environment_id, number)
);
CREATE INDEX phone_numbers_trunk ON phone_numbers (trunk_id);

CREATE TABLE agent_numbers (
    agent_id  text NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    number_id text NOT NULL REFERENCES phone_numbers (id),
    PRIMARY KEY (agent_id, number_id)
);
CREATE INDEX agent_numbers_number ON agent_numbers (number_id);

-- agent_id is no foreign key: calls outlive their agent's row until the erasure job has come to them, and are unreadable meanwhile.
CREATE TABLE calls (
    id             text PRIMARY KEY,
    environment_id text NOT NULL,
    agent_id       text NOT NULL,
    sid            text NOT NULL,
    to_number      text NOT NULL,
    from_number    text NOT NULL,
    testing        boolean NOT NULL,
    direction      text NOT NULL,
    transport      text NOT NULL,
    status         text NOT NULL,
    ended_reason   text NOT NULL,
    trunk_id       text NOT NULL,
    number_id      text NOT NULL,
    snapshot       jsonb,
    payload        text,
    context        text,
    token_hash     text NOT NULL,
    recording      text NOT NULL,
    recording_note text NOT NULL,
    messages       jsonb NOT NULL,
    node_id        text NOT NULL,
    lease_until    timestamptz,
    dial_at        timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    answered_at    timestamptz,
    ended_at       timestamptz
);
CREATE INDEX calls_environment ON calls (environment_id, created_at, id);
CREATE INDEX calls_agent ON calls (agent_id, created_at, id);
CREATE INDEX calls_sid ON calls (sid);
CREATE INDEX calls_open ON calls (agent_id, node_id) WHERE status IN ('initiated', 'ringing', 'answered');
CREATE INDEX calls_recording ON calls (recording) WHERE recording <> '';

-- The cascade makes "no call, no turns" hold even against a turn that is being written while the call is erased.
CREATE TABLE turns (
    id          text PRIMARY KEY,
    call_id     text NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    who         text NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    text        text NOT NULL,
    heard       text,
    interrupted boolean NOT NULL,
    reply_to    text,
    timing      jsonb NOT NULL
);
CREATE INDEX turns_call ON turns (call_id, started_at, id);

CREATE TABLE idempotency_keys (
    environment_id text NOT NULL,
    key_hash       text NOT NULL,
    call_id        text NOT NULL,
    fingerprint    text NOT NULL,
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (environment_id, key_hash)
);
CREATE INDEX idempotency_keys_call ON idempotency_keys (call_id);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);

CREATE TABLE erasures (
    id             text PRIMARY KEY,
    environment_id text NOT NULL,
    agent_id       text NOT NULL,
    state          text NOT NULL,
    places         jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    completed_at   timestamptz
);

-- +goose Down
DROP TABLE erasures;
DROP TABLE idempotency_keys;
DROP TABLE turns;
DROP TABLE calls;
DROP TABLE agent_numbers;
DROP TABLE phone_numbers;
DROP TABLE sip_trunks;
DROP TABLE trainings;
DROP TABLE agents;
DROP TABLE meta;
DROP TABLE tokens;
DROP TABLE environments;
DROP TABLE users;
