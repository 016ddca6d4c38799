# Asks an endpoint mapper for an interface and calls it, with impacket:
#   client.py PORT UUID VERSION LEVEL [USER PASSWORD DOMAIN [SERVICE]]
# With a service it takes Kerberos, and the ticket from the credential cache.
# Operation 0 gives back what it gets, 1 tells who called. Each line printed is one result.
import os
import sys
from impacket.dcerpc.v5 import epm, rpcrt, transport
from impacket.krb5.ccache import CCache
from impacket.uuid import uuidtup_to_bin

port, uuid, version, level = sys.argv[1:5]
interface = uuidtup_to_bin((uuid, version))

def find(interface, protocol):
    dce = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % port).get_dce_rpc()
    dce.connect()
    try:
        return epm.hept_map("127.0.0.1", interface, protocol=protocol, dce=dce)
    finally:
        dce.disconnect()

binding = find(interface, "ncacn_ip_tcp")
print(find(interface, "ncacn_http"))
try:
    print(find(uuidtup_to_bin(("12345678-0000-0000-0000-000000000000", "1.0")), "ncacn_ip_tcp"))
except rpcrt.DCERPCException as e:
    print("%x" % e.get_error_code())

t = transport.DCERPCTransportFactory(binding)
dce = t.get_dce_rpc()
if int(level) > 1:
    if len(sys.argv) > 8:
        ticket = CCache.loadFile(os.environ["KRB5CCNAME"]).getCredential(sys.argv[8]).toTGS()
        t.set_credentials(*sys.argv[5:8], TGS=ticket)
        dce.set_auth_type(rpcrt.RPC_C_AUTHN_GSS_NEGOTIATE)
    else:
        t.set_credentials(*sys.argv[5:8])
        dce.set_auth_type(rpcrt.RPC_C_AUTHN_WINNT)
dce.set_auth_level(int(level))
dce.connect()
dce.bind(interface)
dce.set_max_fragment_size(2000)
for size in (0, 7, 50000):
    stub = bytes(i % 251 for i in range(size))
    dce.call(0, stub)
    print(size, dce.recv()[:size] == stub)
dce.call(1, b"")
print(dce.recv().decode())
try:
    dce.call(9, b"")
    dce.recv()
    print("called what isn't there")
except rpcrt.DCERPCException as e:
    print(e)
