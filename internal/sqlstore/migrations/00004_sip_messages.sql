-- +goose Up
-- What a call's SIP messages said, so that a failed call can be read. The cascade makes "no call, no messages" hold even against one that
-- is being written while the call is erased.
CREATE TABLE sip_messages (
    id        text PRIMARY KEY,
    call_id   text NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    seq       bigint NOT NULL,
    at        timestamptz NOT NULL,
    sent      boolean NOT NULL,
    transport text NOT NULL,
    peer      text NOT NULL,
    raw       text NOT NULL,
    cut       boolean NOT NULL
);
CREATE INDEX sip_messages_call ON sip_messages (call_id, seq, id);

-- +goose Down
DROP TABLE sip_messages;
