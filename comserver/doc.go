// Package comserver is a COM automation server without a C compiler: it lets scripts and programs on Windows use a model of Go
// objects through IDispatch, as a local server process. It knows nothing of what the objects are for.
//
// A [Library] describes the classes: names, dispids, parameters, interface ids. An [Object] executes the members of its class,
// and knows what their arguments and default members mean. The server makes of the two what automation clients expect: names
// without regard to case, named and left-out arguments, For Each, error numbers and texts, objects that last as long as a
// client has them. On Windows, Main is the life of the program that COM starts: registration, type library, class factories,
// serving until the last client is gone. What doesn't need COM is the same on every system, and tested there.
//
// # Values
//
// Arguments and results are Go values:
//
//	nil                         Empty
//	Null, Nothing, Missing      Null, an object variable without object, an argument left out
//	bool, string, float32, float64, [Currency], [Decimal]
//	int16, int32, uint8         Integer, Long, Byte; results of other integer types become Long where they fit, else Double
//	time.Time                   Date, in local time, to the second
//	[]byte                      array of Byte
//	[]any                       array of Variant; arrays with elements of one type arrive as []string, []int32, ...
//	[ErrorCode]                 Error
//	[Object]                    an object of the server
//	[Foreign]                   an object of the client
//
// Results of any other slice type become arrays of Variant, which is the only kind of array that VBScript can index.
//
// # Threads
//
// Calls arrive on many threads at once. Everything reached from one created object is an apartment: its members run one at a
// time, in goroutines that aren't bound to a thread. Different apartments run side by side.
package comserver
