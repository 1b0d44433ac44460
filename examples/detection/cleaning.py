"""What is wrong with annotations, and records without it."""

from dataclasses import dataclass, replace

from records import Detection, Record, RecordCollection

SAME_BOX_IOU = 0.95


@dataclass
class CleaningReport:
    """How many boxes came in, why some were left out, and how many were cut to the image."""

    boxes: int = 0
    crowds: int = 0
    small: int = 0
    duplicates: int = 0
    clipped: int = 0
    kept: int = 0


def clean_records(
    records: RecordCollection, *, min_area: float, drop_crowds: bool
) -> tuple[RecordCollection, CleaningReport]:
    """Cuts boxes to their image; drops crowds, small boxes and boxes drawn twice."""
    report = CleaningReport()

    def clean(record: Record) -> Record:
        return _clean(record, report, min_area, drop_crowds)

    return records.map(clean), report


def _clean(record: Record, report: CleaningReport, min_area: float, drop_crowds: bool) -> Record:
    boxes = _clip(record, report)
    kept: list[int] = []
    for i, box in enumerate(boxes.bboxes):
        report.boxes += 1
        if drop_crowds and boxes.iscrowds[i]:
            report.crowds += 1
        elif box.area < min_area or not box.area:
            report.small += 1
        elif any(_same(boxes, i, j) for j in kept):
            report.duplicates += 1
        else:
            kept.append(i)
    report.kept += len(kept)
    return replace(record, detection=boxes.keep(kept))


def _clip(record: Record, report: CleaningReport) -> Detection:
    inside = [box.intersection(record.common.frame) for box in record.detection.bboxes]
    pairs = zip(inside, record.detection.bboxes, strict=True)
    report.clipped += sum(now != before for now, before in pairs)
    return replace(record.detection, bboxes=inside)


def _same(boxes: Detection, i: int, j: int) -> bool:
    return (
        boxes.label_ids[i] == boxes.label_ids[j]
        and boxes.iscrowds[i] == boxes.iscrowds[j]
        and boxes.bboxes[i].iou(boxes.bboxes[j]) > SAME_BOX_IOU
    )
