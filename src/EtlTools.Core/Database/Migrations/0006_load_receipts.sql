-- Loads leave receipts too, so that one can be taken back like a reprocess. Those from before this step left none.
ALTER TABLE etl.reprocess_receipts DROP CONSTRAINT IF EXISTS reprocess_receipts_kind_check;
ALTER TABLE etl.reprocess_receipts
    ADD CONSTRAINT reprocess_receipts_kind_check CHECK (kind IN ('load', 'reprocess', 'undo', 'repair'));

-- What health asks for: loads of files that took the place of one of the same name, and took keys away.
CREATE INDEX IF NOT EXISTS reprocess_receipts_taken_idx ON etl.reprocess_receipts (new_load_run_file_id)
    WHERE kind = 'load' AND keys_withdrawn + keys_restored > 0;
