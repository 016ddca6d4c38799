package localstore

// applicationID marks the file as ours in the SQLite header ("OCDO"); user_version is the number of migrations done.
const applicationID = 0x4F43444F

// migrations turn version n of the schema into n+1. The first makes an empty file a store; what is here once released is
// never changed, only added to.
var migrations = []string{`
-- The mailbox: one row. counter is the last id given out: folders, messages and change numbers share it, and it moves in
-- the transaction that uses the ids.
CREATE TABLE mailbox (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	guid BLOB NOT NULL,
	replica INTEGER NOT NULL,     -- replica id of new ids
	counter INTEGER NOT NULL,
	file TEXT NOT NULL,           -- identity of the file: a copy has another
	owner TEXT NOT NULL,
	smtp TEXT NOT NULL,
	legacy_dn TEXT NOT NULL,
	props BLOB NOT NULL           -- records
);
CREATE TABLE replicas (id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 32767), guid BLOB NOT NULL UNIQUE);
CREATE TABLE names (id INTEGER PRIMARY KEY, guid BLOB NOT NULL, lid INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (guid, lid, name));
CREATE TABLE folders (
	fid INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL,      -- of the root: itself
	role TEXT UNIQUE,
	name TEXT NOT NULL,
	folded TEXT NOT NULL,         -- name without case
	class TEXT NOT NULL,
	type INTEGER NOT NULL,        -- PidTagFolderType
	hidden INTEGER NOT NULL,
	created INTEGER NOT NULL,
	modified INTEGER NOT NULL,
	cn INTEGER NOT NULL,
	source_key BLOB, change_key BLOB, pcl BLOB, -- where they are not made of fid and cn
	props BLOB NOT NULL,          -- records
	children INTEGER NOT NULL DEFAULT 0,
	hierarchy_changes INTEGER NOT NULL DEFAULT 0,
	items INTEGER NOT NULL DEFAULT 0,
	unread INTEGER NOT NULL DEFAULT 0,
	associated INTEGER NOT NULL DEFAULT 0,
	soft_deleted INTEGER NOT NULL DEFAULT 0,
	bytes INTEGER NOT NULL DEFAULT 0,
	associated_bytes INTEGER NOT NULL DEFAULT 0,
	deleted_total INTEGER NOT NULL DEFAULT 0,
	committed INTEGER NOT NULL DEFAULT 0 -- time of the last change in the folder
);
CREATE UNIQUE INDEX folders_name ON folders (parent, folded) WHERE parent <> fid;
-- list: 0 normal, 1 associated; +2 when soft-deleted. The text columns are copies for tables, the records have the truth.
CREATE TABLE items (
	mid INTEGER PRIMARY KEY,
	folder INTEGER NOT NULL,
	list INTEGER NOT NULL,
	content INTEGER NOT NULL,
	cn INTEGER NOT NULL,
	read_cn INTEGER NOT NULL,
	deleted INTEGER,
	flags INTEGER NOT NULL,
	size INTEGER NOT NULL,
	created INTEGER NOT NULL,
	modified INTEGER NOT NULL,
	delivered INTEGER,
	submitted INTEGER,
	importance INTEGER,
	class TEXT,
	subject TEXT,
	normalized TEXT,
	sender TEXT,
	representing TEXT,
	display_to TEXT,
	display_cc TEXT,
	display_bcc TEXT,
	narrow INTEGER NOT NULL,      -- a text column stands for a String8 property
	search_key BLOB NOT NULL,
	source_key BLOB, change_key BLOB, pcl BLOB
);
CREATE INDEX items_list ON items (folder, list);
CREATE INDEX items_delivered ON items (folder, list, delivered);
CREATE INDEX items_search_key ON items (folder, search_key);
CREATE INDEX items_source_key ON items (source_key) WHERE source_key IS NOT NULL;
-- A content is what an item holds. staged is the opener that writes it, NULL once it belongs to an item.
CREATE TABLE contents (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	staged BLOB,
	attach_sizes BLOB             -- PidTagAttachSize of each attachment in the order of the stream
);
CREATE INDEX contents_staged ON contents (staged) WHERE staged IS NOT NULL;
CREATE TABLE segments (id INTEGER PRIMARY KEY, data BLOB NOT NULL);  -- id: content << 20 | number
CREATE TABLE blobs (id INTEGER PRIMARY KEY AUTOINCREMENT, content INTEGER NOT NULL);
CREATE INDEX blobs_content ON blobs (content);
CREATE TABLE chunks (id INTEGER PRIMARY KEY, data BLOB NOT NULL);    -- id: blob << 20 | number
CREATE TRIGGER items_added AFTER INSERT ON items BEGIN
	UPDATE folders SET
		items = items + (NEW.list = 0), unread = unread + (NEW.list = 0 AND NEW.flags & 1 = 0),
		associated = associated + (NEW.list = 1), soft_deleted = soft_deleted + (NEW.list = 2),
		bytes = bytes + iif(NEW.list = 0, NEW.size, 0), associated_bytes = associated_bytes + iif(NEW.list = 1, NEW.size, 0)
	WHERE fid = NEW.folder;
END;
CREATE TRIGGER items_removed AFTER DELETE ON items BEGIN
	UPDATE folders SET
		items = items - (OLD.list = 0), unread = unread - (OLD.list = 0 AND OLD.flags & 1 = 0),
		associated = associated - (OLD.list = 1), soft_deleted = soft_deleted - (OLD.list = 2),
		bytes = bytes - iif(OLD.list = 0, OLD.size, 0), associated_bytes = associated_bytes - iif(OLD.list = 1, OLD.size, 0),
		deleted_total = deleted_total + (OLD.list < 2)
	WHERE fid = OLD.folder;
END;
CREATE TRIGGER items_changed AFTER UPDATE OF folder, list, flags, size ON items BEGIN
	UPDATE folders SET
		items = items - (OLD.list = 0), unread = unread - (OLD.list = 0 AND OLD.flags & 1 = 0),
		associated = associated - (OLD.list = 1), soft_deleted = soft_deleted - (OLD.list = 2),
		bytes = bytes - iif(OLD.list = 0, OLD.size, 0), associated_bytes = associated_bytes - iif(OLD.list = 1, OLD.size, 0),
		deleted_total = deleted_total + (OLD.list < 2 AND NEW.list >= 2)
	WHERE fid = OLD.folder;
	UPDATE folders SET
		items = items + (NEW.list = 0), unread = unread + (NEW.list = 0 AND NEW.flags & 1 = 0),
		associated = associated + (NEW.list = 1), soft_deleted = soft_deleted + (NEW.list = 2),
		bytes = bytes + iif(NEW.list = 0, NEW.size, 0), associated_bytes = associated_bytes + iif(NEW.list = 1, NEW.size, 0)
	WHERE fid = NEW.folder;
END;
CREATE TRIGGER contents_removed AFTER DELETE ON contents BEGIN
	DELETE FROM segments WHERE id BETWEEN OLD.id << 20 AND (OLD.id << 20) + 1048575;
	DELETE FROM blobs WHERE content = OLD.id;
END;
CREATE TRIGGER blobs_removed AFTER DELETE ON blobs BEGIN
	DELETE FROM chunks WHERE id BETWEEN OLD.id << 20 AND (OLD.id << 20) + 1048575;
END;
CREATE TRIGGER items_content AFTER DELETE ON items BEGIN DELETE FROM contents WHERE id = OLD.content; END;
CREATE TRIGGER items_new_content AFTER UPDATE OF content ON items WHEN NEW.content <> OLD.content BEGIN
	DELETE FROM contents WHERE id = OLD.content;
END;
CREATE TRIGGER folders_added AFTER INSERT ON folders WHEN NEW.fid <> NEW.parent BEGIN
	UPDATE folders SET children = children + 1, hierarchy_changes = hierarchy_changes + 1 WHERE fid = NEW.parent;
END;
CREATE TRIGGER folders_removed AFTER DELETE ON folders BEGIN
	UPDATE folders SET children = children - 1, hierarchy_changes = hierarchy_changes + 1 WHERE fid = OLD.parent;
END;
CREATE TRIGGER folders_changed AFTER UPDATE OF parent, name, cn ON folders WHEN NEW.fid <> NEW.parent BEGIN
	UPDATE folders SET children = children - (OLD.parent <> NEW.parent), hierarchy_changes = hierarchy_changes + 1 WHERE fid = OLD.parent;
	UPDATE folders SET children = children + 1, hierarchy_changes = hierarchy_changes + 1 WHERE fid = NEW.parent AND NEW.parent <> OLD.parent;
END;
`, `
-- What is gone for good, so that a change of it that comes late is known for one. cn is the last id that had been given out.
CREATE TABLE deleted (
	id INTEGER PRIMARY KEY,       -- MID or FID
	folder INTEGER NOT NULL,      -- that it was in
	cn INTEGER NOT NULL,
	source_key BLOB               -- where it was not made of id
);
CREATE INDEX deleted_source_key ON deleted (source_key) WHERE source_key IS NOT NULL;
CREATE TRIGGER items_buried AFTER DELETE ON items BEGIN
	INSERT OR REPLACE INTO deleted SELECT OLD.mid, OLD.folder, counter, OLD.source_key FROM mailbox;
END;
CREATE TRIGGER items_moved AFTER UPDATE OF mid ON items WHEN NEW.mid <> OLD.mid BEGIN
	INSERT OR REPLACE INTO deleted SELECT OLD.mid, OLD.folder, counter, OLD.source_key FROM mailbox;
END;
CREATE TRIGGER folders_buried AFTER DELETE ON folders BEGIN
	INSERT OR REPLACE INTO deleted SELECT OLD.fid, OLD.parent, counter, OLD.source_key FROM mailbox;
END;
`}

// Sizes of the file's rows.
const (
	chunkSize   = 256 << 10 // of a chunk row
	segmentSize = 64 << 10  // from which a segment is closed; one record is never divided
	rowShift    = 20        // segments and chunks per owner: 2^20, so values reach 256 GiB
)
