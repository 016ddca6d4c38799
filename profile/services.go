package profile

import (
	"errors"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// template is what mapisvc.inf says of a service.
type template struct {
	name, display, dll, entry string
	providers                 []providerTemplate
}

type providerTemplate struct {
	list    mapi.Tag // of providerKinds
	display string
	store   UID
	flags   int32 // PR_RESOURCE_FLAGS
}

// templates are the services that can be made here. Libraries and entry points are those of Windows, so that an exported
// profile means there what it means here.
var templates = []template{
	{MSEMS, "Microsoft Exchange", "EMSMDB.DLL", "EMSCfg", []providerTemplate{
		{list: tagStoreProviders, display: "Mailbox", store: PrimaryStore, flags: statusDefaultStore},
		{list: tagAddressBooks, display: "Global Address List"},
		{list: tagTransports, display: "Microsoft Exchange Message Transport"}}},
	{"MSUPST MS", "Outlook Data File", "mspst.dll", "PSTServiceEntry", []providerTemplate{
		{list: tagStoreProviders, display: "Outlook Data File", store: PSTStore}}},
	{"MSPST MS", "Personal Folders", "mspst.dll", "PSTServiceEntry", []providerTemplate{
		{list: tagStoreProviders, display: "Personal Folders", store: PSTStore}}},
	{"CONTAB", "Outlook Address Book", "contab.dll", "ServiceEntry", []providerTemplate{
		{list: tagAddressBooks, display: "Outlook Address Book"}}},
}

// AddService adds a service with its providers, as CreateMsgService does. The first Exchange service uses the global section;
// further ones have sections of their own. Services that aren't known get no providers.
func (p *Profile) AddService(name string) (Service, error) {
	if name == "" {
		return Service{}, &mapi.Error{Op: "add service", Code: mapi.ErrInvalidParameter, Err: errors.New("it has no name")}
	}
	t := template{name: name, display: name}
	if i := slices.IndexFunc(templates, func(t template) bool { return strings.EqualFold(t.name, name) }); i >= 0 {
		t = templates[i]
	}
	services := p.Services()
	first := !slices.ContainsFunc(services, func(s Service) bool { return len(s.Providers) > 0 && s.Default })
	s := p.section(newUID())
	set := func(at *Section, tag mapi.Tag, v string) {
		if v != "" {
			at.Set(tag, v)
		}
	}
	set(s, tagServiceName, t.name)
	set(s, tagDisplayName, t.display)
	set(s, tagServiceDLL, t.dll)
	set(s, tagServiceEntryName, t.entry)
	lists := map[mapi.Tag][]UID{}
	for _, pt := range t.providers {
		x := p.section(newUID())
		x.Set(tagServiceUID, s.UID[:])
		set(x, tagServiceName, t.name)
		set(x, tagProviderDLL, t.dll)
		set(x, tagDisplayName, pt.display)
		set(x, tagProviderDisplay, t.display)
		if pt.store != (UID{}) {
			x.Set(tagStoreProviderUID, pt.store[:])
			if pt.store == PrimaryStore {
				x.Set(tagProfileType, int32(1))
			}
		}
		if flags := pt.flags; flags != 0 && first {
			x.Set(tagResourceFlags, flags)
		}
		for _, k := range providerKinds {
			if k.tag == pt.list {
				x.Set(tagResourceType, k.kind)
			}
		}
		lists[pt.list] = append(lists[pt.list], x.UID)
	}
	own := p.section(ProfileSection)
	for _, k := range providerKinds {
		if list := lists[k.tag]; len(list) > 0 {
			s.setUIDs(k.tag, list)
			own.setUIDs(k.tag, append(own.uids(k.tag), list...))
		}
	}
	own.setUIDs(tagServices, append(own.uids(tagServices), s.UID))
	if t.name == MSEMS {
		u := GlobalSection
		if slices.ContainsFunc(services, func(s Service) bool { return strings.EqualFold(s.Name, MSEMS) }) {
			u = newUID()
			s.Set(TagEMSMDBSectionUID, u[:])
		}
		x := p.section(u)
		if _, ok := x.Number(tagProfileVersion); !ok {
			x.Set(tagProfileVersion, profileVersion)
		}
	}
	all := p.Services()
	return all[len(all)-1], nil
}

// RemoveService removes a service with its providers.
func (p *Profile) RemoveService(u UID) error {
	for _, svc := range p.Services() {
		if svc.Section.UID != u {
			continue
		}
		gone := append(svc.Section.uids(TagEMSMDBSectionUID), u)
		for _, pr := range svc.Providers {
			gone = append(gone, pr.Section.UID)
		}
		own := p.section(ProfileSection)
		for _, tag := range []mapi.Tag{tagServices, tagStoreProviders, tagAddressBooks, tagTransports} {
			if list := own.uids(tag); len(list) > 0 {
				own.setUIDs(tag, slices.DeleteFunc(list, func(x UID) bool { return slices.Contains(gone, x) }))
			}
		}
		p.Sections = slices.DeleteFunc(p.Sections, func(s *Section) bool { return slices.Contains(gone, s.UID) })
		if !slices.ContainsFunc(p.Services(), func(s Service) bool { return strings.EqualFold(s.Name, MSEMS) }) {
			p.Sections = slices.DeleteFunc(p.Sections, func(s *Section) bool { return s.UID == GlobalSection })
		}
		return nil
	}
	return &mapi.Error{Op: "remove service", Object: u.String(), Code: mapi.ErrNotFound}
}
