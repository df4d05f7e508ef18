"""Download a topic's guideline documents from their publisher, by default the American College of Radiology.

The documents are the publisher's. Nothing is requested before you state with --accept-acr-terms (in the configuration:
download.accept_acr_terms) that you have read and accept its terms of use. Run one such program at a time.
"""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publisher", default="acr", help="whose documents (default: acr)")
    parser.add_argument("--topic", required=True, help="the topic's folder name")
    parser.add_argument("--acr-id", default="", help="the ACR's number of the topic, for instance 21 (default: none)")
    parser.add_argument("--panel", default="", help="the expert panel, for instance Gastrointestinal")
    parser.add_argument("--title", default="", help="the topic's title as the publisher lists it")
    parser.add_argument("--url", help="base address of the lists (default: the publisher's)")
    parser.add_argument(
        "--pages", default="{}", help="configuration section download.pages, as JSON (default: the publisher's)"
    )
    parser.add_argument("--contact", help="your address, told to the server with acrflow's name (default: none)")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two requests (default: 1)")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds without a byte (default: 60)")
    parser.add_argument("--attempts", type=int, default=5, help="attempts per request (default: 5)")
    parser.add_argument("--backoff", type=float, default=2.0, help="seconds before a second attempt (default: 2)")
    parser.add_argument("--accept-acr-terms", action="store_true", help="you accept the ACR's terms of use")
    parser.add_argument("--folder", type=Path, required=True, help="kept folder; the topic has one of its own in it")
    parser.add_argument("--out", type=Path, help="folder to copy the topic's documents to, once they are complete")
    args = parser.parse_args()

    from acrflow.config.documents import Download
    from acrflow.guideline import publishers
    from acrflow.guideline.download import addresses_of, deliver, download, offered
    from acrflow.io.http import PoliteClient, user_agent

    offer = offered(args.publisher, args.url, Download(pages=json.loads(args.pages)).pages)
    if not vars(args).get(offer.consent):  # a publisher's terms need a consent of their own
        remedy = (
            f"read the terms on {offer.owner}'s site, then set download.{offer.consent}: true, or supply own documents"
        )
        raise InputError(f"download.{offer.consent}", f"{offer.owner}'s terms of use are not accepted", remedy)
    documents = addresses_of(offer, args.acr_id, args.panel, args.title) if args.acr_id else {}
    folder = args.folder / args.topic
    agent = user_agent(args.contact)
    with PoliteClient(args.pause, args.timeout, args.attempts, args.backoff, agent) as client:
        done = download(documents, publishers.load(args.publisher).needed, folder, client)
    if args.out:
        deliver(folder, args.out)
    print(f"{args.topic}: {len(done.arrived)} documents downloaded, {len(done.complete)} were complete")
    for file, why in done.missing.items():
        print(f"{args.topic}: {file} is missing: {why}")


if __name__ == "__main__":
    run(main)
