package oxcrops

import "github.com/opencdo/opencdo/internal/oxcdata"

// Permission ROPs ([MS-OXCROPS] 2.2.10, semantics in [MS-OXCPERM]).

// ModifyFlags of RopModifyPermissions.
const (
	PermissionsReplaceRows     = 0x01
	PermissionsIncludeFreeBusy = 0x02 // also TableFlags of RopGetPermissionsTable
)

// Flags of a [PermissionData] and a [RuleData].
const (
	RowAdd    = 0x01
	RowModify = 0x02
	RowRemove = 0x04
)

// PermissionData adds, changes or removes a row of a permissions table ([MS-OXCPERM] 2.2.2.1).
type PermissionData struct {
	Flags  uint8
	Values []oxcdata.TaggedValue
}

// RuleData adds, changes or removes a row of a rules table ([MS-OXORULE] 2.2.1.3).
type RuleData PermissionData

// minRowData is the size of a row without values.
const minRowData = 3

func permissionData(c *oxcdata.Coder, p *PermissionData) {
	c.U8(&p.Flags)
	values(c, &p.Values)
}

func ruleData(c *oxcdata.Coder, p *RuleData) { permissionData(c, (*PermissionData)(p)) }

// ModifyPermissionsRequest is RopModifyPermissions' request buffer ([MS-OXCROPS] 2.2.10.1.1).
type ModifyPermissionsRequest struct {
	Head
	In              uint8
	ModifyFlags     uint8
	PermissionsData []PermissionData
}

// RopID implements Request.
func (*ModifyPermissionsRequest) RopID() uint8 { return RopModifyPermissions }

func (r *ModifyPermissionsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.ModifyFlags)
	oxcdata.List16(c, &r.PermissionsData, minRowData, permissionData)
}

// GetPermissionsTableRequest is RopGetPermissionsTable's request buffer ([MS-OXCROPS] 2.2.10.2.1).
type GetPermissionsTableRequest struct {
	Head
	In, Out    uint8
	TableFlags uint8
}

// RopID implements Request.
func (*GetPermissionsTableRequest) RopID() uint8 { return RopGetPermissionsTable }

func (r *GetPermissionsTableRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.TableFlags)
}
