module github.com/opencdo/opencdo/cdo/recurrencetruth

go 1.26.0

require (
	github.com/opencdo/opencdo v0.0.0
	github.com/teambition/rrule-go v1.8.2
)

require (
	github.com/danieljoos/wincred v1.2.3 // indirect
	github.com/godbus/dbus/v5 v5.2.2 // indirect
	github.com/zalando/go-keyring v0.2.8 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/opencdo/opencdo => ../..
