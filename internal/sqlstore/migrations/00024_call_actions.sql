-- +goose Up
CREATE TABLE call_actions (
    id         text PRIMARY KEY,
    call_id    text NOT NULL, -- without a foreign key: who writes a row holds the call's agent, and an erasure deletes in batches
    action_id  text NOT NULL,
    type       text NOT NULL,
    mode       text NOT NULL,
    name       text NOT NULL,
    status     text NOT NULL,
    input      text,
    output     text,
    attempts   bigint NOT NULL,
    due_at     timestamptz,
    created_at timestamptz NOT NULL,
    settled_at timestamptz
);
CREATE INDEX call_actions_call ON call_actions (call_id, created_at, id);

-- +goose Down
DROP TABLE call_actions;
