package cdo

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// GroupHeader is the head of a group of items in a grouped view of a folder. It stands before the items of its group.
type GroupHeader struct {
	node
	name          string
	level         int32
	count, unread int32
}

// Class is CdoGroupHeader.
func (h *GroupHeader) Class() ObjectClass { return CdoGroupHeader }

// Name is what the items of the group have in common, as text.
func (h *GroupHeader) Name() string { return h.name }

// Level is how deep the group is in others, from 1 on.
func (h *GroupHeader) Level() int32 { return h.level }

// Count is how many items the group has, those of groups within it too.
func (h *GroupHeader) Count() int32 { return h.count }

// Unread is how many of the items weren't read.
func (h *GroupHeader) Unread() int32 { return h.unread }

// maxGroups is how many levels of groups a view has at most.
const maxGroups = 4

// GroupBy makes a grouped view of the collection, as CDO's rendering library does with its views: items are ordered by the
// properties, those of the same value stand together, and a [GroupHeader] stands before them. The order of Sort counts within the
// groups. Without properties the groups are gone again; more than four are CdoE_TOO_COMPLEX.
func (c *Messages) GroupBy(by ...mapi.Sort) error {
	if len(by) > maxGroups {
		return failf("Messages.GroupBy", CdoE_TOO_COMPLEX, "more than %d levels of groups", maxGroups)
	}
	c.groups = by
	c.rewind()
	return nil
}

// grouped lists all items with the heads of their groups.
func (c *Messages) grouped(ctx context.Context) ([]member, error) {
	dir, err := c.folder.open(ctx)
	if err != nil {
		return nil, err
	}
	columns := c.columns()
	at := len(columns)
	columns = slices.Clone(columns)
	for _, g := range c.groups {
		columns = append(columns, g.Key)
	}
	flags := slices.IndexFunc(columns, func(k mapi.Key) bool { return k == mapi.TagKey(pid.TagMessageFlags) })
	var list []member
	open := make([]*GroupHeader, len(c.groups)) // the groups that the row before is in
	var last []mapi.Value
	q := mapi.Query{Kind: c.kind, Columns: columns, Where: c.restriction(), Sort: slices.Concat(c.groups, c.order)}
	for r, err := range dir.Rows(ctx, q) {
		if err != nil {
			return nil, err
		}
		values := r.Values[at:]
		level := 0
		for level < len(open) && last != nil && mapi.CompareValues(values[level], last[level]) == 0 {
			level++
		}
		for ; level < len(open); level++ {
			open[level] = &GroupHeader{node: c.below(c), name: c.caption(columns[at+level], values[level]), level: int32(level + 1)}
			list = append(list, member{header: open[level]})
		}
		read, _ := r.Values[flags].(int32)
		for _, h := range open {
			if h.count++; read&flagRead == 0 {
				h.unread++
			}
		}
		last = values
		list = append(list, member{row: mapi.Row{ID: r.ID, Values: r.Values[:at]}})
	}
	return list, nil
}

// caption is a value as text; times are days.
func (c *Messages) caption(k mapi.Key, v mapi.Value) string {
	if v == nil {
		return "(none)"
	}
	shown, err := (&bag{all: true}).fieldValue(context.Background(), mapi.Prop{Key: k, Value: v}, c.logon.loc)
	if err != nil {
		return ""
	}
	if t, ok := shown.(interface{ Format(string) string }); ok {
		return t.Format("2006-01-02")
	}
	return fmt.Sprint(shown)
}
