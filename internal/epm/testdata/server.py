# impacket's server with one interface, whose operation 0 gives as many bytes as its argument says. Prints its port.
import struct
import sys
from impacket.dcerpc.v5 import rpcrt

s = rpcrt.DCERPCServer()
s.daemon = True
s.addCallbacks((sys.argv[1], sys.argv[2]), "none", {0: lambda stub: bytes(i % 251 for i in range(struct.unpack("<L", stub)[0]))})
s._sock.listen(1)
print(s.getListenPort(), flush=True)
s.start()
sys.stdin.read()
