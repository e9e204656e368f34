"""Validation of every network of a semi-supervised segmentor."""

from mmengine.runner import ValLoop

from mmsemi.evaluation.class_iou import ClassScores, latest_class_scores
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import LOOPS


@LOOPS.register_module()
class AllNetworksValLoop(ValLoop):
    """Validate each network of a segmentor with metrics of its own.

    One pass over the images for each network. Metrics are prefixed, as in
    ``teacher/mIoU``, which is also what ``save_best`` of the checkpoint hook
    names; the network the model predicts with comes first, so that summaries
    take its figures. A model without sub-models is validated as usual.

    Attributes:
        class_scores: of the network the model predicts with, on the main
            process.
    """

    class_scores: ClassScores | None = None

    def run(self) -> dict[str, float]:
        """Launch validation; metrics of all networks."""
        runner = self.runner
        model = unwrapped(runner.model)
        if not hasattr(model, 'sub_models'):
            return super().run()
        chosen = model.semi_test_cfg['predict_on']
        runner.call_hook('before_val')
        runner.call_hook('before_val_epoch')
        runner.model.eval()
        metrics: dict[str, float] = {}
        try:
            for name in sorted(model.sub_models, key=lambda n: n != chosen):
                model.semi_test_cfg['predict_on'] = name
                for idx, data_batch in enumerate(self.dataloader):
                    self.run_iter(idx, data_batch)
                found = self.evaluator.evaluate(len(self.dataloader.dataset))
                metrics.update({f'{name}/{k}': v for k, v in found.items()})
                if name == chosen:
                    self.class_scores = latest_class_scores(self.evaluator)
        finally:
            model.semi_test_cfg['predict_on'] = chosen
        runner.call_hook('after_val_epoch', metrics=metrics)
        runner.call_hook('after_val')
        return metrics
