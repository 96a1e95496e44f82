-- +goose Up
ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN environment_id text;

CREATE TABLE personal_tokens (
    number       bigint PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         text NOT NULL,
    hash         text NOT NULL,
    abilities    jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    expires_at   timestamptz
);
CREATE INDEX personal_tokens_user ON personal_tokens (user_id, number);


-- +goose Down
DROP TABLE personal_tokens;
ALTER TABLE users DROP COLUMN environment_id;
ALTER TABLE users DROP COLUMN name;
