package restic

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// ID is a storage ID: the SHA-256 hash of a file as it lies in the repository, or of a blob's plaintext.
type ID [sha256.Size]byte

// Hash returns the storage ID of data.
func Hash(data []byte) ID { return sha256.Sum256(data) }

// ParseID reads the 64 hexadecimal digits that String writes.
func ParseID(s string) (ID, error) {
	var id ID
	err := id.UnmarshalText([]byte(s))
	return id, err
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is the zero ID, which names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders IDs by their bytes.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText writes id as 64 hexadecimal digits.
func (id ID) MarshalText() ([]byte, error) {
	return hex.AppendEncode(make([]byte, 0, 2*len(id)), id[:]), nil
}

// UnmarshalText reads 64 hexadecimal digits.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) != 2*len(id) {
		return fmt.Errorf("restic: an id has %d hexadecimal digits, not %d characters", 2*len(id), len(text))
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return fmt.Errorf("restic: id: %w", err)
	}
	return nil
}

// BlobType tells the two kinds of blob apart; they lie in separate packs and are looked up separately.
type BlobType uint8

const (
	DataBlob BlobType = iota // a piece of a file's content
	TreeBlob                 // a directory, see [Tree]
	blobTypes
)

var blobTypeNames = [blobTypes]string{"data", "tree"}

func (t BlobType) String() string {
	if t < blobTypes {
		return blobTypeNames[t]
	}
	return fmt.Sprintf("BlobType(%d)", uint8(t))
}

// MarshalText writes the name used in index files.
func (t BlobType) MarshalText() ([]byte, error) {
	if t >= blobTypes {
		return nil, fmt.Errorf("restic: unknown blob type %d", uint8(t))
	}
	return []byte(blobTypeNames[t]), nil
}

// UnmarshalText reads the name used in index files.
func (t *BlobType) UnmarshalText(text []byte) error {
	for i, name := range blobTypeNames {
		if string(text) == name {
			*t = BlobType(i)
			return nil
		}
	}
	return fmt.Errorf("restic: unknown blob type %q", text)
}

// BlobHandle names one blob. The same bytes may exist once as data and once as a tree.
type BlobHandle struct {
	Type BlobType
	ID   ID
}

func (h BlobHandle) String() string { return h.Type.String() + " blob " + h.ID.String() }
