"""What the published schemas of OpenLineage 2-0-2 ask of a run's event, written as tables."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

SPECIFICATION = "https://openlineage.io/spec/"
KINDS = {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"}


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and str(uuid.UUID(value)) == value


def is_uri(value: Any) -> bool:
    return isinstance(value, str) and re.match(r"[a-z][a-z0-9+.-]*://\S+$", value) is not None


def is_moment(value: Any) -> bool:
    return datetime.fromisoformat(value).tzinfo is not None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def all_of(fields: dict[str, Any], *required: str, closed: bool = False) -> Any:
    """Check an object: its fields, those it must have, and whether it may have others."""

    def check(value: Any) -> bool:
        assert isinstance(value, dict), value
        assert set(required) <= set(value), (required, value)
        assert not closed or set(value) <= set(fields), value
        for name, found in value.items():
            if name in fields:
                assert fields[name](found), (name, found)
        return True

    return check


def list_of(item: Any) -> Any:
    return lambda value: isinstance(value, list) and all(item(each) for each in value)


def facets(kinds: dict[str, tuple[str, Any]]) -> Any:
    """Check facets: published ones by their name and schema, others by their prefix."""

    def check(value: Any) -> bool:
        assert isinstance(value, dict), value
        for name, facet in value.items():
            assert is_uri(facet["_producer"]), facet
            assert is_uri(facet["_schemaURL"]), facet
            if name.startswith("cannery_"):
                continue
            schema, fields = kinds[name]
            title = schema.rpartition("/")[2]
            assert facet["_schemaURL"] == f"{SPECIFICATION}facets/{schema}.json#/$defs/{title}"
            assert fields({k: v for k, v in facet.items() if not k.startswith("_")}), facet
        return True

    return check


_job = all_of({"namespace": is_text, "name": is_text}, "namespace", "name")
_parameter = all_of(
    {"key": is_text, "name": is_text, "description": is_text, "value": is_text}, "key", closed=True
)
_tag = all_of({"key": is_text, "value": is_text, "source": is_text}, "key", "value")
_statistics = {"rowCount": is_whole, "size": is_whole, "fileCount": is_whole}

RUN_FACETS = {
    "parent": (
        "1-1-0/ParentRunFacet",
        all_of({"run": all_of({"runId": is_uuid}, "runId"), "job": _job}, "run", "job"),
    ),
    "processing_engine": (
        "1-1-1/ProcessingEngineRunFacet",
        all_of(
            {"version": is_text, "name": is_text, "openlineageAdapterVersion": is_text}, "version"
        ),
    ),
    "executionParameters": (
        "1-0-0/ExecutionParametersRunFacet",
        all_of({"parameters": list_of(_parameter)}),
    ),
    "tags": ("1-0-0/TagsRunFacet", all_of({"tags": list_of(_tag)})),
    "errorMessage": (
        "1-0-1/ErrorMessageRunFacet",
        all_of(
            {"message": is_text, "programmingLanguage": is_text, "stackTrace": is_text},
            "message",
            "programmingLanguage",
        ),
    ),
}
JOB_FACETS = {
    "jobType": (
        "2-0-3/JobTypeJobFacet",
        all_of(
            {"processingType": is_text, "integration": is_text, "jobType": is_text},
            "processingType",
            "integration",
        ),
    ),
}
DATASET_FACETS = {
    "version": (
        "1-0-1/DatasetVersionDatasetFacet",
        all_of({"datasetVersion": is_text}, "datasetVersion"),
    ),
    "storage": (
        "1-0-1/StorageDatasetFacet",
        all_of({"storageLayer": is_text, "fileFormat": is_text}, "storageLayer"),
    ),
}
OUTPUT_FACETS = {
    "outputStatistics": ("1-0-2/OutputStatisticsOutputDatasetFacet", all_of(_statistics)),
}
_dataset = {"namespace": is_text, "name": is_text, "facets": facets(DATASET_FACETS)}

check_event = all_of(
    {
        "eventType": KINDS.__contains__,
        "eventTime": is_moment,
        "producer": is_uri,
        "schemaURL": (f"{SPECIFICATION}2-0-2/OpenLineage.json#/$defs/RunEvent").__eq__,
        "run": all_of({"runId": is_uuid, "facets": facets(RUN_FACETS)}, "runId"),
        "job": all_of(
            {"namespace": is_text, "name": is_text, "facets": facets(JOB_FACETS)},
            "namespace",
            "name",
        ),
        "inputs": list_of(all_of(_dataset | {"inputFacets": facets({})}, "namespace", "name")),
        "outputs": list_of(
            all_of(_dataset | {"outputFacets": facets(OUTPUT_FACETS)}, "namespace", "name")
        ),
    },
    "eventTime",
    "producer",
    "schemaURL",
    "run",
    "job",
)
