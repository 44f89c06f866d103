"""nginx as a peer: what the kernel and a socket cost at least."""

import shutil

from row import owned_port
from servers import BenchFailed, Server, Unanswered, ask, wait_until


class Nginx(Server):
    """`return 200` with a body that is given: what the kernel and a socket cost at least."""

    def __init__(self, directory, body, workers="1"):
        super().__init__(directory)
        self.name = f"nginx ({workers} worker{'' if workers == '1' else 's'})"
        self.body = body
        self.workers = workers

    def launch(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.port = owned_port()
        if "'" in self.body or "\\" in self.body or "$" in self.body:
            raise BenchFailed(f"nginx cannot be given this body: {self.body}")
        (self.directory / "nginx.conf").write_text(f"""
daemon off;
worker_processes {self.workers};
worker_rlimit_nofile 16384;
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  client_body_temp_path {self.directory}/body;
  proxy_temp_path {self.directory}/proxy;
  fastcgi_temp_path {self.directory}/fastcgi;
  uwsgi_temp_path {self.directory}/uwsgi;
  scgi_temp_path {self.directory}/scgi;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    location / {{ return 200 '{self.body}'; }}
  }}
}}
""")
        self.spawn([program, "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")])
        wait_until(lambda: not self.alive() or self.answers(), f"{self.name} answers")
        if not self.alive():
            raise BenchFailed(f"{self.name} did not start\n{self.log()}")

    def answers(self):
        try:
            return ask(self.port, "POST", "/v1/decide", {"user": "u"})[1].decode() == self.body
        except Unanswered:
            return False
