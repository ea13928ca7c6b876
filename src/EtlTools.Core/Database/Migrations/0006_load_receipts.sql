-- Loads leave receipts too, so that one can be taken back like a reprocess. Those from before this step left none.
ALTER TABLE etl.reprocess_receipts DROP CONSTRAINT IF EXISTS reprocess_receipts_kind_check;
ALTER TABLE etl.reprocess_receipts
    ADD CONSTRAINT reprocess_receipts_kind_check CHECK (kind IN ('load', 'reprocess', 'undo', 'repair'));
