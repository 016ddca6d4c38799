package cdo

import (
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// conditions are what MessageFilter and AddressEntryFilter consist of: properties of their own, and fields.
type conditions struct {
	list []condition
	bag  bag // Fields
	not  bool
	or   bool

	notify func() // tells the collection of a change
}

// condition is a property that was set.
type condition struct {
	name  string
	value any
	res   mapi.Restriction
}

// begin makes empty conditions of a collection.
func (c *conditions) begin(n *names, notify func()) {
	c.notify = notify
	c.bag = bag{names: n, all: true, open: true, notify: notify}
}

func (c *conditions) put(name string, value any, res mapi.Restriction) {
	c.list = slices.DeleteFunc(c.list, func(o condition) bool { return o.name == name })
	c.list = append(c.list, condition{name, value, res})
	c.notify()
}

// copy takes the conditions of another.
func (c *conditions) copy(o *conditions) {
	c.list, c.not, c.or = slices.Clone(o.list), o.not, o.or
	c.bag.set = slices.Clone(o.bag.set)
	c.notify()
}

// conditionValue is what a property was set to, the zero value when it wasn't.
func conditionValue[T any](c *conditions, name string) (v T) {
	for _, o := range c.list {
		if o.name == name {
			v, _ = o.value.(T)
		}
	}
	return v
}

// restriction is all conditions together; nil when there are none. CDO negates each before it combines them.
func (c *conditions) restriction() mapi.Restriction {
	var all []mapi.Restriction
	add := func(r mapi.Restriction) {
		if c.not {
			r = mapi.ResNot{Res: r}
		}
		all = append(all, r)
	}
	for _, o := range c.list {
		add(o.res)
	}
	for _, p := range c.bag.set {
		add(fieldCondition(p))
	}
	switch {
	case len(all) == 0:
		return nil
	case len(all) == 1:
		return all[0]
	case c.or:
		return mapi.ResOr(all)
	}
	return mapi.ResAnd(all)
}

// contains is how strings are found in filters: anywhere, without regard to case.
const contains = mapi.FuzzySubstring | mapi.FuzzyIgnoreCase | mapi.FuzzyLoose

// prefixed are the properties that CDO looks for at their beginning, as directories are sorted by them.
var prefixed = tagKeys(pid.TagAccount, CdoPR_BUSINESS_ADDRESS_CITY, pid.TagCompanyName, pid.TagDepartmentName, pid.TagDisplayName, pid.TagGivenName,
	pid.TagOfficeLocation, pid.TagSurname, pid.TagTitle, CdoPR_MHS_COMMON_NAME)

func fieldCondition(p mapi.Prop) mapi.Restriction {
	_, text := p.Value.(string)
	switch {
	case !text || p.Key.Tag.ID() == CdoPR_ANR.ID() && !p.Key.Named():
		return mapi.ResProperty{Op: mapi.RelEQ, Key: p.Key, Value: p.Value}
	case holds(prefixed, p.Key):
		return mapi.ResContent{Fuzzy: mapi.FuzzyPrefix | mapi.FuzzyIgnoreCase | mapi.FuzzyLoose, Key: p.Key, Value: p.Value}
	}
	return mapi.ResContent{Fuzzy: contains, Key: p.Key, Value: p.Value}
}

func containing(t mapi.Tag, s string) mapi.Restriction {
	return mapi.ResContent{Fuzzy: contains, Key: mapi.TagKey(t), Value: s}
}

func compared(op mapi.RelOp, t mapi.Tag, v mapi.Value) mapi.Restriction {
	return mapi.ResProperty{Op: op, Key: mapi.TagKey(t), Value: v}
}
