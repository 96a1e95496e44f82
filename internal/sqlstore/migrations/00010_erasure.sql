-- +goose Up
-- A call that an erasure has claimed is unreachable from that commit on; the erasure's job empties it.
ALTER TABLE calls ADD COLUMN erasure_id text;
CREATE INDEX calls_erasure ON calls (erasure_id) WHERE erasure_id IS NOT NULL;

-- Of an erasure of one caller: the number under a keyed hash, so that the receipt holds no personal data.
ALTER TABLE erasures ADD COLUMN caller_hash text NOT NULL DEFAULT '';
CREATE INDEX erasures_environment ON erasures (environment_id, created_at, id);

-- +goose Down
DROP INDEX erasures_environment;
ALTER TABLE erasures DROP COLUMN caller_hash;
DROP INDEX calls_erasure;
ALTER TABLE calls DROP COLUMN erasure_id;
