-- The failure of an attempt in words, if there was no response.
ALTER TABLE attempts ADD COLUMN error TEXT;
