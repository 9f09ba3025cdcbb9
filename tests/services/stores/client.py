"""What is in a store, by the providers' own clients for Python.

client.py make SERVICE BUCKET      a bucket, unless there is one; SERVICE is s3, gs or az
client.py put URL FILE             a file as an object
client.py get URL FOLDER           all objects below a place, as files in a folder
client.py list URL                 the names of all objects below a place
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class S3:
    def __init__(self):
        import boto3

        self.client = boto3.client("s3")

    def make(self, bucket):
        self.client.create_bucket(Bucket=bucket)

    def put(self, bucket, key, content):
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def list(self, bucket, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def get(self, bucket, key):
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()


class Google:
    def __init__(self):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        self.client = storage.Client(credentials=AnonymousCredentials(), project="test")

    def make(self, bucket):
        if self.client.lookup_bucket(bucket) is None:
            self.client.create_bucket(bucket)

    def put(self, bucket, key, content):
        self.client.bucket(bucket).blob(key).upload_from_string(content)

    def list(self, bucket, prefix):
        return [blob.name for blob in self.client.list_blobs(bucket, prefix=prefix)]

    def get(self, bucket, key):
        return self.client.bucket(bucket).blob(key).download_as_bytes()


class Azure:
    def __init__(self):
        from azure.storage.blob import BlobServiceClient

        self.client = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])

    def make(self, bucket):
        container = self.client.get_container_client(bucket)
        if not container.exists():
            container.create_container()

    def put(self, bucket, key, content):
        self.client.get_blob_client(bucket, key).upload_blob(content, overwrite=True)

    def list(self, bucket, prefix):
        return [blob.name for blob in self.client.get_container_client(bucket).list_blobs(name_starts_with=prefix)]

    def get(self, bucket, key):
        return self.client.get_blob_client(bucket, key).download_blob().readall()


SERVICES = {"s3": S3, "gs": Google, "az": Azure}


def place(url):
    service, rest = url.split("://", 1)
    bucket, _, key = rest.partition("/")
    return SERVICES[service](), bucket, key


def below(url):
    service, bucket, key = place(url)
    prefix = f"{key}/" if key else ""
    return service, bucket, prefix, service.list(bucket, prefix)


def get(url, folder):
    service, bucket, prefix, keys = below(url)

    def one(key):
        path = Path(folder) / key[len(prefix):]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(service.get(bucket, key))

    Path(folder).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, keys))


def main(what, *words):
    if what == "make":
        SERVICES[words[0]]().make(words[1])
    elif what == "put":
        service, bucket, key = place(words[0])
        service.put(bucket, key, Path(words[1]).read_bytes())
    elif what == "get":
        get(*words)
    elif what == "list":
        _, _, prefix, keys = below(words[0])
        print("\n".join(sorted(key[len(prefix):] for key in keys)))
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
