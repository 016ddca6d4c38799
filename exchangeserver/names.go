package exchangeserver

import (
	"context"
	"maps"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// keys gives the keys of wire tags. A tag of the range of named properties whose id has no name gets the key noKey.
func (lg *logon) keys(ctx context.Context, tags []mapi.Tag) ([]mapi.Key, error) {
	keys := make([]mapi.Key, len(tags))
	var ids []uint16
	for i, t := range tags {
		keys[i] = mapi.TagKey(t)
		if t.Named() {
			ids = append(ids, t.ID())
		}
	}
	if len(ids) == 0 {
		return keys, nil
	}
	names, err := lg.box.PropNames(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, t := range tags {
		if !t.Named() {
			continue
		}
		keys[i] = noKey
		if !names[0].IsZero() {
			keys[i] = mapi.NamedKey(names[0], t.Type())
		}
		names = names[1:]
	}
	return keys, nil
}

// noKey is the key of no property.
var noKey = mapi.Key{}

// key is keys for one tag.
func (lg *logon) key(ctx context.Context, t mapi.Tag) (mapi.Key, error) {
	keys, err := lg.keys(ctx, []mapi.Tag{t})
	if err != nil {
		return noKey, err
	}
	return keys[0], nil
}

// tags is the reverse of keys: named properties that have no id get one. Where there is none left the tag is 0.
func (lg *logon) tags(ctx context.Context, keys []mapi.Key) ([]mapi.Tag, error) {
	tags := make([]mapi.Tag, len(keys))
	var names []mapi.PropName
	for i, k := range keys {
		tags[i] = k.Tag
		if k.Named() {
			names = append(names, k.Name)
		}
	}
	if len(names) == 0 {
		return tags, nil
	}
	ids, err := lg.box.PropIDs(ctx, names, true)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if !k.Named() {
			continue
		}
		if tags[i] = 0; ids[0] != 0 {
			tags[i] = mapi.NewTag(ids[0], k.Type())
		}
		ids = ids[1:]
	}
	return tags, nil
}

// restriction gives a restriction with keys in place of wire tags.
func (lg *logon) restriction(ctx context.Context, r mapi.Restriction) (mapi.Restriction, error) {
	if r == nil {
		return nil, nil
	}
	return mapi.MapKeys(r, func(k mapi.Key) (mapi.Key, error) { return lg.key(ctx, k.Tag) })
}

// propertyIDs is RopGetPropertyIdsFromNames ([MS-OXCPRPT] 3.2.5.10).
func (c *call) propertyIDs(q *oxcrops.GetPropertyIdsFromNamesRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.GetPropertyIdsFromNamesResponse{}
	if len(q.Names) == 0 {
		names, err := o.logonOf().box.AllPropNames(c)
		resp.IDs = slices.Sorted(maps.Keys(names))
		return resp, err
	}
	ids, err := o.logonOf().box.PropIDs(c, q.Names, q.Flags&oxcrops.NamesCreate != 0)
	if err != nil {
		return nil, err
	}
	resp.IDs = ids
	if slices.Contains(ids, 0) {
		return resp, mapi.WarnErrorsReturned
	}
	return resp, nil
}

// propertyNames is RopGetNamesFromPropertyIds ([MS-OXCPRPT] 3.2.5.9).
func (c *call) propertyNames(q *oxcrops.GetNamesFromPropertyIdsRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	names, err := o.logonOf().box.PropNames(c, q.IDs)
	return &oxcrops.GetNamesFromPropertyIdsResponse{Names: names}, err
}

// QueryFlags of RopQueryNamedProperties ([MS-OXCPRPT] 2.2.9.1).
const (
	queryNoStrings = 0x01
	queryNoIDs     = 0x02
)

// queryNames is RopQueryNamedProperties ([MS-OXCPRPT] 3.2.5.11): of a message or attachment those that it has, else all.
func (c *call) queryNames(q *oxcrops.QueryNamedPropertiesRequest) (oxcrops.Response, error) {
	o, err := get[propObject](c, q.In)
	if err != nil {
		return nil, err
	}
	lg := o.logonOf()
	names, err := lg.box.AllPropNames(c)
	if err != nil {
		return nil, err
	}
	used := map[mapi.PropName]bool{}
	ofItem := false
	switch o.(type) {
	case *message, *attachment:
		ofItem = true
		props, err := o.props(c)
		if err != nil {
			return nil, err
		}
		for _, p := range props {
			used[p.Key.Name] = true
		}
	}
	resp := &oxcrops.QueryNamedPropertiesResponse{}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		n := names[id]
		switch {
		case ofItem && !used[n], q.HasGUID && n.Set != q.PropertyGUID,
			n.Name != "" && q.QueryFlags&queryNoStrings != 0, n.Name == "" && q.QueryFlags&queryNoIDs != 0:
			continue
		}
		resp.IDs, resp.Names = append(resp.IDs, id), append(resp.Names, n)
	}
	return resp, nil
}

// sorted gives a sort order with keys.
func (lg *logon) sorted(ctx context.Context, orders []oxcdata.Sort) ([]mapi.Sort, error) {
	out := make([]mapi.Sort, len(orders))
	for i, o := range orders {
		k, err := lg.key(ctx, o.Tag)
		if err != nil {
			return nil, err
		}
		out[i] = mapi.Sort{Key: k, Descending: o.Order == sortDescending}
	}
	return out, nil
}

// Orders of a sort column ([MS-OXCDATA] 2.13.1).
const (
	sortAscending   = 0
	sortDescending  = 1
	sortMaxCategory = 4
)
