package transfer

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Report is the outcome of a run.
type Report struct {
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended"`
	Folders []FolderReport `json:"folders"`
	Copied  int            `json:"copied"`
	Skipped int            `json:"skipped"` // the destination had them
	// Replaced are those of the copied that an item of the destination was given the content of.
	Replaced int   `json:"replaced,omitempty"`
	Failed   int   `json:"failed"`
	Bytes    int64 `json:"bytes"` // of copied items' values
	// SearchFolders were not copied: what they show are items of other folders.
	SearchFolders int `json:"search_folders"`
	// To is the destination's folder that the first folder's contents went into.
	To mapi.EntryID `json:"-"`
	// Problems are items and folders that could not be copied, or not wholly.
	Problems []Problem `json:"problems,omitempty"`
	// Notes are what was done otherwise than one may expect, without anything being lost by a fault.
	Notes []Note `json:"notes,omitempty"`
}

// FolderReport counts the items of a folder, normal and associated ones together.
type FolderReport struct {
	Path    string    `json:"path"`
	Role    mapi.Role `json:"role,omitempty"`
	Copied  int       `json:"copied"`
	Skipped int       `json:"skipped"`
	Failed  int       `json:"failed"`
	Bytes   int64     `json:"bytes"`
	// Way is how a planner had the folder copied, Why what led to that.
	Way string       `json:"way,omitempty"`
	Why string       `json:"why,omitempty"`
	ID  mapi.EntryID `json:"-"` // in the source
	// Incomplete says that not all of its items could be copied, or even listed.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Problem is an item, or a folder when Item is empty, that could not be copied.
type Problem struct {
	Folder string       // its path
	Item   string       // subject and class
	ID     mapi.EntryID // of the item, in the source
	Kind   mapi.Kind
	Count  int // how many items it concerns: 1, or more when the destination takes none of their kind
	Err    error
}

func (p Problem) String() string {
	s := p.Folder
	switch {
	case p.Item != "":
		s += ": " + p.Item
	case p.Count > 0:
		s += fmt.Sprintf(": %d %s items", p.Count, p.Kind)
	}
	return s + ": " + p.Err.Error()
}

// MarshalJSON gives the error as text and the id in hexadecimal.
func (p Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Folder string `json:"folder"`
		Item   string `json:"item,omitempty"`
		ID     string `json:"id,omitempty"`
		List   string `json:"list"`
		Count  int    `json:"count,omitempty"`
		Error  string `json:"error"`
	}{p.Folder, p.Item, fmt.Sprintf("%x", string(p.ID)), p.Kind.String(), p.Count, p.Err.Error()})
}

// UnmarshalJSON reads what MarshalJSON writes. Of the error its text is left.
func (p *Problem) UnmarshalJSON(document []byte) error {
	var f struct {
		Folder, Item, ID, List, Error string
		Count                         int
	}
	if err := json.Unmarshal(document, &f); err != nil {
		return err
	}
	id, err := hex.DecodeString(f.ID)
	if err != nil {
		return err
	}
	*p = Problem{Folder: f.Folder, Item: f.Item, ID: mapi.EntryID(id), Count: f.Count, Err: errors.New(f.Error)}
	if f.List == mapi.Associated.String() {
		p.Kind = mapi.Associated
	}
	return nil
}

// Note is a remark about a folder or item.
type Note struct {
	Folder string `json:"folder"`
	Item   string `json:"item,omitempty"`
	Text   string `json:"text"`
}

func (n Note) String() string {
	s := n.Folder
	if n.Item != "" {
		s += ": " + n.Item
	}
	return s + ": " + n.Text
}

// maxKept bounds problems and notes in a report, should every item of a large store have one; all problems are counted.
const maxKept = 10_000

// The methods below keep the books; workers call them at the same time.

func (r *run) problem(p Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.report.Problems) < maxKept {
		r.report.Problems = append(r.report.Problems, p)
	}
}

func (r *run) note(folder, item, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.report.Notes) < maxKept {
		r.report.Notes = append(r.report.Notes, Note{folder, item, text})
	}
}

type outcome uint8

const (
	copied outcome = iota
	skipped
	failed
)

func (r *run) count(p *pair, o outcome, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.report.Folders[p.index]
	switch o {
	case copied:
		r.report.Copied++
		f.Copied++
		r.report.Bytes += bytes
		f.Bytes += bytes
	case skipped:
		r.report.Skipped++
		f.Skipped++
	case failed:
		r.report.Failed++
		f.Failed++
		f.Incomplete = true
	}
	r.progress.Items++
	r.progress.Bytes = r.report.Bytes
	r.tell(p.path)
}

// replaced counts an item that took the place of another version of it.
func (r *run) replaced() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Replaced++
}

// planned notes how a folder is copied.
func (r *run) planned(p *pair, plan *Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.report.Folders[p.index]
	f.Way, f.Why = plan.Way, plan.Why
	r.report.Skipped += plan.Kept
	f.Skipped += plan.Kept
	r.progress.Items += plan.Kept
	if plan.Kept > 0 {
		r.tell(p.path)
	}
}

// incomplete notes that not all items of a folder were found.
func (r *run) incomplete(p *pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Folders[p.index].Incomplete = true
}

// tell reports progress; the lock is held.
func (r *run) tell(folder string) {
	if r.Progress != nil {
		r.progress.Folder = folder
		r.Progress(r.progress)
	}
}
