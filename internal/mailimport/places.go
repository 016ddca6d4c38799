package mailimport

import (
	"context"
	"errors"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// homes are the special folders of message classes ([MS-OXOSFLD] 2.2.1), with the class of folders for them. What isn't
// listed goes into the target folder.
var homes = []struct {
	class     string
	role      mapi.Role
	container string
}{
	{"IPM.Appointment", mapi.RoleCalendar, "IPF.Appointment"},
	{"IPM.Contact", mapi.RoleContacts, "IPF.Contact"},
	{"IPM.DistList", mapi.RoleContacts, "IPF.Contact"},
	{"IPM.Task", mapi.RoleTasks, "IPF.Task"},
	{"IPM.StickyNote", mapi.RoleNotes, "IPF.StickyNote"},
	{"IPM.Activity", mapi.RoleJournal, "IPF.Journal"},
}

// settings are classes of items that are always associated ones: settings ([MS-OXOCFG] 2.2.2), views, rules ([MS-OXORULE]
// 2.2.4), navigation shortcuts, search folders.
var settings = []string{"IPM.Configuration", "IPM.Microsoft.FolderDesign", "IPM.Rule", "IPM.ExtendedRule", "IPM.RuleOrganizer",
	"IPM.Microsoft.WunderBar", "IPM.Sharing.Configuration", "IPM.Sharing.Index", "IPM.Aggregation", "IPM.Microsoft.ScheduleData"}

// flagAssociated is mfFAI of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const flagAssociated = 0x40

// isClass tells whether a message class is another or of its kind.
func isClass(class, of string) bool {
	return len(class) >= len(of) && strings.EqualFold(class[:len(of)], of) && (len(class) == len(of) || class[len(of)] == '.')
}

// kindOf tells in which list of a folder an item belongs.
func kindOf(it *mapi.Item) mapi.Kind {
	if flags, _ := it.Props.Tag(pid.TagMessageFlags).(int32); flags&flagAssociated != 0 {
		return mapi.Associated
	}
	class := it.Props.Text(pid.TagMessageClass)
	for _, s := range settings {
		if isClass(class, s) {
			return mapi.Associated
		}
	}
	return mapi.Normal
}

// place is where items go: the target folder (role is empty) or a special one, or a folder below it.
type place struct {
	role mapi.Role
	path string
}

// places finds folders and makes those that are missing.
type places struct {
	dst    mapi.Store
	target mapi.Folder
	open   map[place]mapi.Folder
}

// folder is where a normal item of a class goes.
func (p *places) folder(ctx context.Context, class, path string) (mapi.Folder, error) {
	for _, h := range homes {
		if isClass(class, h.class) {
			return p.at(ctx, place{h.role, path}, h.container)
		}
	}
	return p.at(ctx, place{"", path}, "IPF.Note")
}

func (p *places) at(ctx context.Context, at place, container string) (f mapi.Folder, err error) {
	if f := p.open[at]; f != nil {
		return f, nil
	}
	if at.path == "" {
		f, err = p.top(ctx, at.role)
	} else {
		i := strings.LastIndexByte(at.path, '/')
		var parent mapi.Folder
		if parent, err = p.at(ctx, place{at.role, at.path[:max(i, 0)]}, container); err == nil {
			f, err = p.below(ctx, parent, at.path[i+1:], container)
		}
	}
	if err == nil {
		p.open[at] = f
	}
	return f, err
}

// top is a special folder, or the target folder in a store that doesn't have it.
func (p *places) top(ctx context.Context, role mapi.Role) (mapi.Folder, error) {
	if role == "" {
		return p.target, nil
	}
	id, err := p.dst.Special(ctx, role)
	if errors.Is(err, mapi.ErrNotFound) {
		return p.target, nil
	}
	if err != nil {
		return nil, err
	}
	return p.dst.Folder(ctx, id)
}

// below finds or makes a folder.
func (p *places) below(ctx context.Context, parent mapi.Folder, name, container string) (mapi.Folder, error) {
	for info, err := range parent.Folders(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(info.Name, name) && !info.Search {
			return p.dst.Folder(ctx, info.ID)
		}
	}
	return parent.CreateFolder(ctx, name, mapi.Props{{Key: mapi.TagKey(pid.TagContainerClass), Value: container}})
}
