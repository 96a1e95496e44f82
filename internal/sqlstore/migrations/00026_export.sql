-- +goose Up
-- The erasure whose export holds the agent: it cannot be reached meanwhile.
ALTER TABLE agents ADD COLUMN erasure_id text;

-- What became of the archive, without personal data, and the hash of its token.
ALTER TABLE erasures ADD COLUMN export jsonb;
ALTER TABLE erasures ADD COLUMN export_hash text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE erasures DROP COLUMN export_hash;
ALTER TABLE erasures DROP COLUMN export;
ALTER TABLE agents DROP COLUMN erasure_id;
