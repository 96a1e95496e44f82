-- Softphones of people and where they are registered. Bindings run out by themselves: who reads them looks at expires_at.

-- +goose Up
CREATE TABLE softphones (
    id             text PRIMARY KEY,
    environment_id text NOT NULL,
    username       text NOT NULL,
    display_name   text NOT NULL,
    sealed         bytea NOT NULL, -- the digest hashes of the password under the master key
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    UNIQUE (environment_id, username)
);
CREATE INDEX softphones_username ON softphones (username);

CREATE TABLE bindings (
    softphone_id text NOT NULL REFERENCES softphones (id) ON DELETE CASCADE,
    contact      text NOT NULL,
    call_id      text NOT NULL,
    cseq         bigint NOT NULL,
    q            double precision NOT NULL,
    transport    text NOT NULL,
    source       text NOT NULL, -- address and port that the REGISTER came from
    nat          boolean NOT NULL,
    expires_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (softphone_id, contact)
);
CREATE INDEX bindings_expires ON bindings (expires_at);

-- +goose Down
DROP TABLE bindings;
DROP TABLE softphones;
