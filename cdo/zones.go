package cdo

import (
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
)

// zones are those of CDO's list, with their names in the database of time zones and in Windows; empty where CDO means none.
var zones = [CdoTmzMax]struct{ name, windows string }{
	CdoTmzGMT:            {"Europe/London", "GMT Standard Time"},
	CdoTmzLisbon:         {"Europe/Lisbon", "GMT Standard Time"},
	CdoTmzParis:          {"Europe/Paris", "Romance Standard Time"},
	CdoTmzBerlin:         {"Europe/Berlin", "W. Europe Standard Time"},
	CdoTmzEasternEurope:  {"Europe/Bucharest", "GTB Standard Time"},
	CdoTmzPrague:         {"Europe/Prague", "Central Europe Standard Time"},
	CdoTmzAthens:         {"Europe/Athens", "GTB Standard Time"},
	CdoTmzRiodeJaneiro:   {"America/Sao_Paulo", "E. South America Standard Time"},
	CdoTmzAtlanticCanada: {"America/Halifax", "Atlantic Standard Time"},
	CdoTmzEastern:        {"America/New_York", "Eastern Standard Time"},
	CdoTmzCentral:        {"America/Chicago", "Central Standard Time"},
	CdoTmzMountain:       {"America/Denver", "Mountain Standard Time"},
	CdoTmzPacific:        {"America/Los_Angeles", "Pacific Standard Time"},
	CdoTmzAlaska:         {"America/Anchorage", "Alaskan Standard Time"},
	CdoTmzHawaii:         {"Pacific/Honolulu", "Hawaiian Standard Time"},
	CdoTmzMidwayIsland:   {"Pacific/Midway", "UTC-11"},
	CdoTmzWellington:     {"Pacific/Auckland", "New Zealand Standard Time"},
	CdoTmzBrisbane:       {"Australia/Brisbane", "E. Australia Standard Time"},
	CdoTmzAdelaide:       {"Australia/Adelaide", "Cen. Australia Standard Time"},
	CdoTmzTokyo:          {"Asia/Tokyo", "Tokyo Standard Time"},
	CdoTmzHongKong:       {"Asia/Hong_Kong", "China Standard Time"},
	CdoTmzBangkok:        {"Asia/Bangkok", "SE Asia Standard Time"},
	CdoTmzBombay:         {"Asia/Kolkata", "India Standard Time"},
	CdoTmzAbuDhabi:       {"Asia/Dubai", "Arabian Standard Time"},
	CdoTmzTehran:         {"Asia/Tehran", "Iran Standard Time"},
	CdoTmzBaghdad:        {"Asia/Baghdad", "Arabic Standard Time"},
	CdoTmzIsrael:         {"Asia/Jerusalem", "Israel Standard Time"},
	CdoTmzNewfoundlad:    {"America/St_Johns", "Newfoundland Standard Time"},
	CdoTmzAzores:         {"Atlantic/Azores", "Azores Standard Time"},
	CdoTmzMidAtlantic:    {"Atlantic/South_Georgia", "UTC-02"},
	CdoTmzMonrovia:       {"Africa/Monrovia", "Greenwich Standard Time"},
	CdoTmzBuenosAires:    {"America/Argentina/Buenos_Aires", "Argentina Standard Time"},
	CdoTmzCaracas:        {"America/Caracas", "Venezuela Standard Time"},
	CdoTmzIndiana:        {"America/Indiana/Indianapolis", "US Eastern Standard Time"},
	CdoTmzBogota:         {"America/Bogota", "SA Pacific Standard Time"},
	CdoTmzSaskatchewan:   {"America/Regina", "Canada Central Standard Time"},
	CdoTmzMexicoCity:     {"America/Mexico_City", "Central Standard Time (Mexico)"},
	CdoTmzArizona:        {"America/Phoenix", "US Mountain Standard Time"},
	CdoTmzEnewetak:       {"Pacific/Kwajalein", "UTC+12"},
	CdoTmzFiji:           {"Pacific/Fiji", "Fiji Standard Time"},
	CdoTmzMagadan:        {"Asia/Magadan", "Magadan Standard Time"},
	CdoTmzHobart:         {"Australia/Hobart", "Tasmania Standard Time"},
	CdoTmzGuam:           {"Pacific/Guam", "West Pacific Standard Time"},
	CdoTmzDarwin:         {"Australia/Darwin", "AUS Central Standard Time"},
	CdoTmzBeijing:        {"Asia/Shanghai", "China Standard Time"},
	CdoTmzAlmaty:         {"Asia/Almaty", "Central Asia Standard Time"},
	CdoTmzIslamabad:      {"Asia/Karachi", "Pakistan Standard Time"},
	CdoTmzKabul:          {"Asia/Kabul", "Afghanistan Standard Time"},
	CdoTmzCairo:          {"Africa/Cairo", "Egypt Standard Time"},
	CdoTmzHarare:         {"Africa/Harare", "South Africa Standard Time"},
	CdoTmzMoscow:         {"Europe/Moscow", "Russian Standard Time"},
	CdoTmzSydney2k:       {"Australia/Sydney", "AUS Eastern Standard Time"},
}

func (z TimeZone) known() bool {
	if z == CdoTmzUTC {
		return true
	}
	z &^= CdoTmzNoDST
	return z > CdoTmzOrigin && z < CdoTmzMax
}

// zoneOf is the zone of CDO's list that a location is: the one of its name, else one that has the same rule this year, CdoTmzUTC
// when there is none.
func zoneOf(loc *time.Location) TimeZone {
	if loc.String() == "UTC" {
		return CdoTmzUTC
	}
	year := time.Now().Year()
	rule := oxocal.RuleOf(loc, year)
	alike := CdoTmzUTC
	for z, names := range zones {
		if names.name == "" {
			continue
		}
		if names.name == loc.String() {
			return TimeZone(z)
		}
		if other, err := time.LoadLocation(names.name); err == nil && alike == CdoTmzUTC && oxocal.RuleOf(other, year) == rule {
			alike = TimeZone(z)
		}
	}
	return alike
}

// zoneKey is the name of a location that calendar items carry: Windows' name for it, as Outlook has, where it is in CDO's list.
func zoneKey(loc *time.Location) string {
	if z := zoneOf(loc); z != CdoTmzUTC {
		return zones[z].windows
	}
	return loc.String()
}
