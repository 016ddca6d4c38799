package cdo

import (
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// AddressEntryFilter says which entries an AddressEntries collection has. What is set is a condition; nothing set lets all entries
// through.
type AddressEntryFilter struct {
	node
	conditions
}

func newAddressEntryFilter(c *AddressEntries) *AddressEntryFilter {
	f := &AddressEntryFilter{node: c.below(c)}
	f.begin(nil, c.rewind)
	return f
}

// Class is CdoAddressFilter.
func (f *AddressEntryFilter) Class() ObjectClass { return CdoAddressFilter }

// Fields are conditions on any property, as in MessageFilter.
func (f *AddressEntryFilter) Fields() *Fields { return newFields(f, &f.node, &f.bag) }

// Not is true when each condition is negated.
func (f *AddressEntryFilter) Not() bool { return f.not }

// SetNot negates each condition, before they are combined.
func (f *AddressEntryFilter) SetNot(not bool) {
	f.not = not
	f.notify()
}

// Or is true when one of the conditions is enough.
func (f *AddressEntryFilter) Or() bool { return f.or }

// SetOr makes one of the conditions enough.
func (f *AddressEntryFilter) SetOr(or bool) {
	f.or = or
	f.notify()
}

// Address is what the full address has to contain.
func (f *AddressEntryFilter) Address() string {
	return conditionValue[string](&f.conditions, "Address")
}

// SetAddress looks for entries whose full address, "TYPE:address", contains s. What stands before a colon is looked for at the end
// of the type and what stands after it at the beginning of the address; without a colon either may contain it.
func (f *AddressEntryFilter) SetAddress(s string) { f.put("Address", s, fullAddress(s)) }

// Name is what entries have to match.
func (f *AddressEntryFilter) Name() string { return conditionValue[string](&f.conditions, "Name") }

// SetName looks for entries that the address book takes for a match of a name: ambiguous name resolution, by its own rules.
func (f *AddressEntryFilter) SetName(name string) {
	f.put("Name", name, mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(CdoPR_ANR.WithType(mapi.TypeString)), Value: name})
}

// IsSameAs reports whether o is the same filter.
func (f *AddressEntryFilter) IsSameAs(o *AddressEntryFilter) bool { return f == o }

func fullAddress(s string) mapi.Restriction {
	kind, address, colon := strings.Cut(s, ":")
	if !colon {
		return mapi.ResOr{containing(pid.TagAddressType, s), containing(pid.TagEmailAddress, s)}
	}
	all := mapi.ResAnd{}
	if kind != "" {
		all = append(all, containing(pid.TagAddressType, kind))
	}
	if address != "" {
		all = append(all, mapi.ResContent{Fuzzy: mapi.FuzzyPrefix | mapi.FuzzyIgnoreCase | mapi.FuzzyLoose, Key: mapi.TagKey(pid.TagEmailAddress), Value: address})
	}
	return all
}
