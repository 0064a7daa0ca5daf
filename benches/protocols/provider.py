"""A small OpenID provider on this machine: it publishes one key and signs tokens with it."""
import http.server
import json
import threading
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

KEY_ID = "bench"
TOKEN_LIFE_S = 3600


class Provider:
    def __init__(self, audience):
        self.audience = audience
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def documents(self):
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {
            "/.well-known/openid-configuration": {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"},
            "/keys": {"keys": [{**public, "kid": KEY_ID, "alg": "ES256", "use": "sig"}]},
        }

    def handler(provider):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                document = provider.documents().get(self.path)
                content = json.dumps(document).encode()
                self.send_response(404 if document is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        return Handler

    def token(self, scope):
        now = int(time.time())
        who = {"iss": self.issuer, "aud": self.audience, "sub": "bench", "tenant": "default", "scope": scope}
        claims = {**who, "iat": now, "exp": now + TOKEN_LIFE_S}
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": KEY_ID})
