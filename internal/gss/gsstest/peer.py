# One side of a GSS-API security context of MIT Kerberos and its plugins: requests and answers are lines of JSON.
import base64
import json
import sys

import gssapi
from gssapi.raw import ext_dce as dce

KIND = dce.IOVBufferType


def b64(b):
    return None if b is None else base64.b64encode(bytes(b)).decode()


def unb64(s):
    return None if s is None else base64.b64decode(s)


def make(c):
    mech = gssapi.OID.from_int_seq(c["mech"])
    bindings = None
    if c.get("binding"):
        bindings = gssapi.raw.ChannelBindings(application_data=unb64(c["binding"]))
    if c["accept"]:
        name = gssapi.Name(c["name"], gssapi.NameType.hostbased_service) if c.get("name") else None
        creds = gssapi.Credentials(name=name, mechs=[mech], usage="accept")
        return gssapi.SecurityContext(creds=creds, usage="accept", channel_bindings=bindings)
    flags = 0
    for f in c["flags"] or []:
        flags |= int(getattr(gssapi.RequirementFlag, f))
    kind = gssapi.NameType.user
    user = gssapi.Name(c["user"], kind) if c.get("user") else None
    creds = gssapi.Credentials(name=user, mechs=[mech], usage="initiate")
    target = gssapi.Name(c["name"], gssapi.NameType.hostbased_service)
    return gssapi.SecurityContext(name=target, creds=creds, mech=mech, flags=flags, usage="initiate",
                                  channel_bindings=bindings)


def buffers(r, token):
    return [(KIND.sign_only, False, unb64(r["before"]) or b""), (KIND.data, False, unb64(r["secret"])),
            (KIND.sign_only, False, unb64(r["after"]) or b""),
            (KIND.header, True, None) if token is None else (KIND.header, False, token)]


def do(ctx, r):
    op = r["op"]
    if op == "step":
        out = ctx.step(unb64(r.get("token")))
        return {"token": b64(out), "done": bool(ctx.complete)}
    if op == "sign":
        return {"token": b64(ctx.get_signature(unb64(r["message"])))}
    if op == "verify":
        ctx.verify_signature(unb64(r["message"]), unb64(r["token"]))
        return {}
    if op == "wrap":
        return {"token": b64(ctx.wrap(unb64(r["message"]), True).message)}
    if op == "unwrap":
        u = ctx.unwrap(unb64(r["token"]))
        return {"message": b64(u.message), "done": bool(u.encrypted)}
    if op == "seal":
        iov = dce.IOV(*buffers(r, None), std_layout=False)
        dce.wrap_iov(ctx, iov, confidential=True)
        return {"message": b64(iov[1].value), "token": b64(iov[3].value)}
    if op == "unseal":
        iov = dce.IOV(*buffers(r, unb64(r["token"])), std_layout=False)
        dce.unwrap_iov(ctx, iov)
        return {"message": b64(iov[1].value)}
    if op == "names":
        # gss-ntlmssp crashes when it is asked for the target's name.
        return {"initiator": str(ctx.initiator_name)}
    raise ValueError(op)


def main():
    ctx = None
    for line in sys.stdin:
        try:
            r = json.loads(line)
            if ctx is None:
                ctx = make(r)
                a = {}
            else:
                a = do(ctx, r)
        except Exception as e:
            a = {"error": "%s: %s" % (type(e).__name__, e)}
        print(json.dumps(a), flush=True)


main()
