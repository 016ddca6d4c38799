# Looks into an address book with impacket: client.py PORT. Prints what it finds as JSON.
import json
import sys
from impacket.dcerpc.v5 import nspi, oxabref, transport

def bound(interface):
    dce = transport.DCERPCTransportFactory("ncacn_ip_tcp:127.0.0.1[%s]" % sys.argv[1]).get_dce_rpc()
    dce.connect()
    dce.bind(interface)
    return dce

found = {}
dce = bound(nspi.MSRPC_UUID_NSPI)
resp = nspi.hNspiBind(dce)
h = resp["contextHandle"]
found["guid"] = resp["pServerGuid"].hex()
resp = nspi.hNspiQueryRows(dce, h, Count=7, pPropTags=[0x3001001F, 0x39000003], lpETable=[16, 17])
found["rows"] = nspi.simplifyPropertyRowSet(resp["ppRows"])
found["position"] = resp["pStat"]["CurrentRec"]
resp = nspi.hNspiResolveNamesW(dce, h, pPropTags=[0x3001001F], paStr=["anna", "böb"])
found["mids"] = [m["Data"] for m in resp["ppMIds"]["aulPropTag"]]
resp = nspi.hNspiDNToMId(dce, h, ["/o=a", "/o=b"])
found["dns"] = [m["Data"] for m in resp["ppOutMIds"]["aulPropTag"]]
found["unbound"] = nspi.hNspiUnbind(dce, h)["ErrorCode"]
dce.disconnect()

dce = bound(oxabref.MSRPC_UUID_OXABREF)
found["dsa"] = oxabref.hRfrGetNewDSA(dce, "/o=Org/cn=anna")["ppszServer"]
found["fqdn"] = oxabref.hRfrGetFQDNFromServerDN(dce, "/o=Org/cn=Servers/cn=MBX1")["ppszServerFQDN"]
print(json.dumps(found, default=str, ensure_ascii=False))
