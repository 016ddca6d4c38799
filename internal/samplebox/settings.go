package samplebox

import (
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// associated makes folder-associated information: what programs keep beside the items of a folder.
func (m *maker) associated(role mapi.Role, class, subject string) (Sample, *mapi.Item) {
	it := m.base(class, "", subject, flagRead|flagAssociated, moment(m.r))
	return Sample{Role: role, Kind: mapi.Associated, Item: it}, it
}

// configurations are settings of the kinds that Outlook keeps ([MS-OXOCFG] 2.2.2), by turns.
var configurations = []struct {
	role  mapi.Role
	class string
	xml   string
	words string // entries of a dictionary
}{
	{mapi.RoleCalendar, "IPM.Configuration.CategoryList", `<?xml version="1.0"?><categories default="Red category" lastSavedSession="5" lastSavedTime="2026-01-12T08:15:30.000" xmlns="CategoryList.xsd"><category name="Red category" color="0" keyboardShortcut="0"/><category name="Büro" color="7" keyboardShortcut="0"/><category name="重要" color="4" keyboardShortcut="3"/></categories>`, ""},
	{mapi.RoleCalendar, "IPM.Configuration.WorkHours", `<?xml version="1.0"?><Root xmlns="WorkingHours.xsd"><WorkHoursVersion1><TimeZone><Bias>-60</Bias><Standard><Bias>0</Bias></Standard><DaylightSavings><Bias>-60</Bias></DaylightSavings></TimeZone><TimeSlot><Start>07:30:00</Start><End>16:30:00</End></TimeSlot><WorkDays>Monday Tuesday Wednesday Thursday Friday</WorkDays></WorkHoursVersion1></Root>`, ""},
	{mapi.RoleCalendar, "IPM.Configuration.Calendar", "", `<e k="18-piAutoProcess" v="3-True"/><e k="18-piRemindDefault" v="9-15"/>`},
	{mapi.RoleInbox, "IPM.Configuration.UMOLK.UserOptions", "", `<e k="18-outsideVoiceMail" v="3-False"/>`},
	{mapi.RoleInbox, "IPM.Configuration.Autocomplete", "", `<e k="18-OLPrefsVersion" v="9-1"/>`},
	{mapi.RoleInbox, "IPM.Configuration.MRM", `<?xml version="1.0"?><UserConfiguration><Info version="Exchange.15"/></UserConfiguration>`, ""},
}

func configuration(m *maker) Sample {
	n := m.index/Block*4 + m.nth
	c := configurations[n%len(configurations)]
	class := c.class
	if round := n / len(configurations); round > 0 {
		class = fmt.Sprintf("IPM.Configuration.Contoso.Tool%d", n) // a folder has one of a class
	}
	s, it := m.associated(c.role, class, class)
	if c.xml != "" {
		set(&it.Props, pid.TagRoamingDatatypes, int32(2), pid.TagRoamingXmlStream, []byte(c.xml))
	} else {
		set(&it.Props, pid.TagRoamingDatatypes, int32(4), pid.TagRoamingDictionary,
			[]byte(`<?xml version="1.0"?><UserConfiguration><Info version="Outlook.16"/><Data>`+c.words+`</Data></UserConfiguration>`))
	}
	return s
}

// view is a way to show a folder ([MS-OXOCFG] 2.2.6). Its definition here is opaque.
func view(m *maker) Sample {
	name := pick(m.r, []string{"By customer", "Nach Größe", "未読", "This week"}) + fmt.Sprintf(" %d", m.index/Block+1)
	s, it := m.associated(mapi.RoleInbox, "IPM.Microsoft.FolderDesign.NamedView", name)
	set(&it.Props, pid.TagViewDescriptorName, name, pid.TagViewDescriptorVersion, int32(8), pid.TagViewDescriptorFlags, int32(0),
		pid.TagViewDescriptorBinary, randomBytes(m.r, 300), pid.TagViewDescriptorStrings, "\n\nFrom\nSubject\nReceived\n")
	return s
}

// shortcut is a favourite folder in the navigation pane ([MS-OXOCFG] 2.2.9).
func shortcut(m *maker) Sample {
	s, it := m.associated(mapi.RoleCommonViews, "IPM.Microsoft.WunderBar.Link", fmt.Sprintf("Favourites %d", m.index/Block+1))
	set(&it.Props, pid.TagWlinkType, int32(4), pid.TagWlinkFlags, int32(0), pid.TagWlinkSaveStamp, int32(m.r.Uint32()), pid.TagWlinkSection, int32(1),
		pid.TagWlinkOrdinal, []byte{byte(0x80 + m.r.IntN(0x7F))}, pid.TagWlinkGroupHeaderID, randomBytes(m.r, 16), pid.TagWlinkGroupName, "Favourites")
	return s
}

// rule is an extended rule ([MS-OXORULE] 2.2.4): mail of importance with a word in the subject is marked as read.
func rule(m *maker) Sample {
	name := fmt.Sprintf("Rule %d: newsletters", m.index/Block+1)
	s, it := m.associated(mapi.RoleInbox, "IPM.ExtendedRule.Message", name)
	var when mapi.Restriction = mapi.ResAnd{
		mapi.ResContent{Key: mapi.TagKey(pid.TagSubject), Value: "newsletter", Fuzzy: mapi.FuzzySubstring | mapi.FuzzyIgnoreCase},
		mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagImportance), Value: int32(0)},
	}
	condition, err := oxcdata.Encode(oxcdata.Wide, func(c *oxcdata.Coder) {
		noNames := uint16(0)
		c.U16(&noNames)
		c.Restriction(&when)
	})
	if err != nil && m.err == nil {
		m.err = err
	}
	set(&it.Props, pid.TagRuleMessageName, name, pid.TagRuleMessageProvider, "ExchangeMailboxRules14", pid.TagRuleMessageState, int32(1), pid.TagRuleMessageSequence, int32(10),
		pid.TagRuleMessageLevel, int32(0), pid.TagRuleMessageUserFlags, int32(0), pid.TagExtendedRuleMessageCondition, condition,
		pid.TagExtendedRuleMessageActions, m.encode(markAsRead))
	return s
}

// markAsRead is a RuleAction of one action in an extended rule ([MS-OXORULE] 2.2.4.1.9, 2.2.5): no named properties, OP_MARK_AS_READ.
func markAsRead(c *oxcdata.Coder) {
	names, version, blocks := uint16(0), uint32(1), uint32(1)
	c.U16(&names)
	c.U32(&version)
	c.U32(&blocks)
	c.Sized32(func(c *oxcdata.Coder) {
		action, flavor, flags := uint8(0x0B), uint32(0), uint32(0)
		c.U8(&action)
		c.U32(&flavor)
		c.U32(&flags)
	})
}
