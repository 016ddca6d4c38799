package cdo

import (
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
)

// zoneNames are the zones of CDO's list by their places in the database of time zones; empty where CDO means none.
var zoneNames = [CdoTmzMax]string{
	CdoTmzGMT: "Europe/London", CdoTmzLisbon: "Europe/Lisbon", CdoTmzParis: "Europe/Paris", CdoTmzBerlin: "Europe/Berlin",
	CdoTmzEasternEurope: "Europe/Bucharest", CdoTmzPrague: "Europe/Prague", CdoTmzAthens: "Europe/Athens", CdoTmzRiodeJaneiro: "America/Sao_Paulo",
	CdoTmzAtlanticCanada: "America/Halifax", CdoTmzEastern: "America/New_York", CdoTmzCentral: "America/Chicago", CdoTmzMountain: "America/Denver",
	CdoTmzPacific: "America/Los_Angeles", CdoTmzAlaska: "America/Anchorage", CdoTmzHawaii: "Pacific/Honolulu", CdoTmzMidwayIsland: "Pacific/Midway",
	CdoTmzWellington: "Pacific/Auckland", CdoTmzBrisbane: "Australia/Brisbane", CdoTmzAdelaide: "Australia/Adelaide", CdoTmzTokyo: "Asia/Tokyo",
	CdoTmzHongKong: "Asia/Hong_Kong", CdoTmzBangkok: "Asia/Bangkok", CdoTmzBombay: "Asia/Kolkata", CdoTmzAbuDhabi: "Asia/Dubai",
	CdoTmzTehran: "Asia/Tehran", CdoTmzBaghdad: "Asia/Baghdad", CdoTmzIsrael: "Asia/Jerusalem", CdoTmzNewfoundlad: "America/St_Johns",
	CdoTmzAzores: "Atlantic/Azores", CdoTmzMidAtlantic: "Atlantic/South_Georgia", CdoTmzMonrovia: "Africa/Monrovia",
	CdoTmzBuenosAires: "America/Argentina/Buenos_Aires", CdoTmzCaracas: "America/Caracas", CdoTmzIndiana: "America/Indiana/Indianapolis",
	CdoTmzBogota: "America/Bogota", CdoTmzSaskatchewan: "America/Regina", CdoTmzMexicoCity: "America/Mexico_City", CdoTmzArizona: "America/Phoenix",
	CdoTmzEnewetak: "Pacific/Kwajalein", CdoTmzFiji: "Pacific/Fiji", CdoTmzMagadan: "Asia/Magadan", CdoTmzHobart: "Australia/Hobart",
	CdoTmzGuam: "Pacific/Guam", CdoTmzDarwin: "Australia/Darwin", CdoTmzBeijing: "Asia/Shanghai", CdoTmzAlmaty: "Asia/Almaty",
	CdoTmzIslamabad: "Asia/Karachi", CdoTmzKabul: "Asia/Kabul", CdoTmzCairo: "Africa/Cairo", CdoTmzHarare: "Africa/Harare",
	CdoTmzMoscow: "Europe/Moscow", CdoTmzSydney2k: "Australia/Sydney",
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
	for z, name := range zoneNames {
		if name == "" {
			continue
		}
		if name == loc.String() {
			return TimeZone(z)
		}
		if other, err := time.LoadLocation(name); err == nil && alike == CdoTmzUTC && oxocal.RuleOf(other, year) == rule {
			alike = TimeZone(z)
		}
	}
	return alike
}
