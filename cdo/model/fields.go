package model

var fieldObjects = []Object{
	{Name: "Fields", IID: "{000662A0-68DC-101B-ACC1-00AA00423326}", Class: 19, Since: "1.0.a", Default: "Item", Of: "Field",
		Help: "All MAPI properties of an object. Changes are saved by the Update of the object.",
		Members: common("Object", count("How many fields there are."),
			item("Field", "A field by its position, from 1 on; by its property tag, a number from 65536 on; or by its custom name: Name, {GUID}Name, {GUID}0x8208, or a tag written 0x0037001E. Not there: CdoE_NOT_FOUND.",
				opt("PropsetID", "String", "")).via("fieldsItem"),
			fn("Add", "Field", "Sets a custom property with its type, or with a property tag as the first and the value as the second argument a predefined one. Without a type it follows from the value.",
				req("Name", "Variant"), opt("Class", "Variant", nil), opt("Value", "Variant", nil), opt("PropsetID", "String", "")).via("fieldsAdd"),
			fn("Delete", "", "Removes all fields that can be removed."),
			fn("SetNamespace", "", "Makes a property set the one of names without a set, in this collection: 32 hexadecimal digits in the order of memory; empty is PS_PUBLIC_STRINGS.", req("PropsetID", "String")))},
	{Name: "Field", IID: "{3FA7DEB0-6438-101B-ACC1-00AA00423326}", Class: 6, Since: "1.0.a", Default: "Value",
		Help: "A property of an object.",
		Members: common("Fields", append([]Member{
			ro("ID", "Long", "The property tag. Custom properties have a number from &H8000 on that holds for the session."),
			index("fields"),
			ro("Name", "String", "The custom name, empty for predefined properties."),
			ro("Type", "CdoFieldType", "The type of the value."),
			rw("Value", "Variant", "The value. Binary values are text in hexadecimal, dates local time, lists arrays.").via("fieldValue"),
			fn("Delete", "", "Removes the field when the object is updated."),
		}, toFile...)...)},
}
