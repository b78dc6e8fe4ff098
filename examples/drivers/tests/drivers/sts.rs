//! AWS STS on loopback: it lets one access key assume one role.

use local_rds::iam::AccessKey;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The service, as long as this process runs.
pub(crate) struct Sts {
    url: String,
}

impl Sts {
    /// Answers AssumeRole of `role`, signed by the access key `caller`, with the key `role_key`.
    pub(crate) fn start(role: &'static str, caller: &'static str, role_key: AccessKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, role, caller, &role_key);
            }
        });
        Self { url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn answer(mut stream: TcpStream, role: &str, caller: &str, key: &AccessKey) {
    let (head, body) = request(&stream);
    let arn = role.replace(':', "%3A").replace('/', "%2F");
    let is_allowed = body.contains("Action=AssumeRole&")
        && body.split('&').any(|field| field == format!("RoleArn={arn}"))
        && head.contains(&format!("Credential={caller}/"))
        && head.contains("/eu-west-1/sts/aws4_request");
    let (status, xml) = match is_allowed {
        true => (
            "200 OK",
            format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <AssumeRoleResult><Credentials><AccessKeyId>{}</AccessKeyId>\
                 <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
                 <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
                 </AssumeRoleResponse>",
                key.id,
                key.secret,
                key.session_token.as_deref().unwrap_or_default()
            ),
        ),
        false => (
            "403 Forbidden",
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error>\
             </ErrorResponse>"
                .to_owned(),
        ),
    };
    let length = xml.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{xml}"
    );
}

/// The head and the body of a request.
fn request(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}
