-- +goose Up
ALTER TABLE actions ADD COLUMN sealed_config bytea; -- the settings of its integration, under the master key; there is no column for clear ones

-- +goose Down
ALTER TABLE actions DROP COLUMN sealed_config;
