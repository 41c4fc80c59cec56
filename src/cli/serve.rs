//! `serve`: the HTTP door from the command line.

use super::model_args::ModelArgs;
use crate::engine_room::{EngineRoom, Note};
use crate::serve::{self, Certificate, Options};
use crate::task::{Cancel, Failure};
use clap::Args as Group;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// Where a token may stand instead of a file.
const TOKEN: &str = "LUMINA_STUDIO_TOKEN";

#[derive(Debug, Clone, Group)]
pub struct ServeArgs {
    /// 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 7860)]
    pub port: u16,
    /// Where to listen; elsewhere than on this computer only with a certificate or --insecure
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,
    /// The certificate for TLS, with those it stands on (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Let token and pictures go through the network unencrypted
    #[arg(long)]
    pub insecure: bool,
    /// The token clients have to send; else it is that of LUMINA_STUDIO_TOKEN, else a new one, which is printed
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArgs,
}

pub(super) fn run<R: EngineRoom>(
    args: &ServeArgs,
    room: &R,
    cancel: &Cancel,
    told: &mut dyn FnMut(Note<'_>),
) -> Result<(), Failure> {
    let token = match std::env::var(TOKEN) {
        Ok(token) => Some(token),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Failure::usage(format!(
                "{TOKEN} is no text: use letters, digits and signs"
            )));
        }
    };
    let certificate = args.tls_cert.clone().zip(args.tls_key.clone());
    let options = Options {
        address: args.listen,
        port: args.port,
        certificate: certificate.map(|(chain, key)| Certificate { chain, key }),
        insecure: args.insecure,
        token,
        token_file: args.token_file.clone(),
        model: (&args.model).into(),
    };
    serve::serve(&options, room, cancel, told)
}
